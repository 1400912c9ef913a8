"""The routes of the API for a person's own addresses. A secret is in the answer that makes it, and in no other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from django.views.decorators.debug import sensitive_variables
from ninja import Router, Schema
from ninja.errors import HttpError
from ninja.responses import Status
from pydantic import ConfigDict, Field, SecretStr

from notifications_hub.inbox import address_changes
from notifications_hub.inbox.address_changes import CannotRenew
from notifications_hub.inbox.address_form import AddressEntry, AddressForm, section
from notifications_hub.inbox.schemas import Problem, TestSent
from notifications_hub.inbox.visitor import person_of
from notifications_hub.transports.own_addresses.store import Added
from notifications_hub.transports.own_addresses.transport import AddressRefused
from notifications_hub.users import Person

router = Router(tags=["own addresses"])


class OwnAddressShown(Schema):
    """One of the person's own addresses. The whole address and its secret stay hidden."""

    id: str = Field(examples=["3"])
    label: str = Field(description="Its name, or where it leads.", examples=["hooks.example.com"])
    method: str = Field(description="The delivery method.", examples=["webhook"])
    service: str = Field(description="The delivery method in words.", examples=["Webhook"])
    created: datetime
    last_used: datetime | None
    stopped: str = Field(description="Why nothing is sent there any more; empty if it is.", examples=[""])
    signs: bool = Field(description="Whether it has a secret.", examples=[True])


class AddressMethod(Schema):
    """A delivery method that takes addresses."""

    name: str = Field(examples=["webhook"])
    label: str = Field(examples=["Webhook"])
    address_label: str = Field(description="What an address is, in words.", examples=["Address"])
    address_help: str = Field(examples=["An https address that takes POST requests."])


class OwnAddresses(Schema):
    results: list[OwnAddressShown]
    methods: list[AddressMethod] = Field(description="Those that take addresses on this site, maybe none.")


class OwnAddressGiven(Schema):
    model_config = ConfigDict(extra="forbid")

    method: str = Field(max_length=100, description="A name from `methods`.", examples=["webhook"])
    # Of this type, so that no error report shows it.
    address: SecretStr = Field(max_length=2048, examples=["https://hooks.example.com/alice"])
    name: str = Field("", max_length=60, description="A name for it, if the person wants one.", examples=["My hook"])

    @sensitive_variables()
    def added_for(self, person: Person) -> Added:
        return address_changes.add(person, self.method, self.address.get_secret_value(), self.name)


class SecretIssued(Schema):
    secret: str = Field(
        description="Signs what is sent there; empty if nothing is signed. It is never shown again.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )


class OwnAddressAdded(SecretIssued):
    id: str = Field(examples=["3"])
    label: str = Field(examples=["hooks.example.com"])


@router.get("", response={200: OwnAddresses, (401, 429): Problem}, url_name="own_addresses", summary="List addresses")
def list_own_addresses(request: HttpRequest) -> dict[str, Any]:
    """Return the addresses that the person added for themselves, and the delivery methods that take some."""
    found = section(person_of(request))
    return {
        "results": [_shown(one) for one in found.entries] if found else [],
        "methods": [_method(one) for one in found.forms] if found else [],
    }


@router.post(
    "",
    response={201: OwnAddressAdded, (400, 401, 403, 429): Problem},
    url_name="own_addresses",
    summary="Add an address",
)
def add_own_address(request: HttpRequest, given: OwnAddressGiven) -> Status[dict[str, Any]]:
    """Send the person's notifications to one more address. Keep the secret: no other answer has it."""
    try:
        return Status(201, _added(given.added_for(person_of(request))))
    except AddressRefused as error:
        raise HttpError(400, str(error)) from None


@router.post(
    "{address_id}/secret/",
    response={200: OwnAddressAdded, (401, 403, 404, 409, 429): Problem},
    url_name="own_address_secret",
    summary="Renew the secret of an address",
)
def renew_own_address_secret(request: HttpRequest, address_id: str) -> dict[str, Any]:
    """Give an address a new secret. For a day the one before it signs too. 409: remove the address and add it again."""
    try:
        return _added(address_changes.renew(person_of(request), address_id))
    except CannotRenew as error:
        raise HttpError(409, str(error)) from None


@router.post(
    "{address_id}/test/",
    response={201: TestSent, (401, 403, 404, 429): Problem},
    url_name="own_address_test",
    summary="Send a test to an address",
)
def test_own_address(request: HttpRequest, address_id: str) -> Status[dict[str, Any]]:
    """Send a test notification there. `notifications/{item_id}/why/` tells what became of it."""
    return Status(201, {"id": address_changes.test(person_of(request), address_id).item_id})


@router.delete(
    "{address_id}/",
    response={204: None, (401, 403, 404, 429): Problem},
    url_name="own_address",
    summary="Remove an address",
)
def remove_own_address(request: HttpRequest, address_id: str) -> Status[None]:
    """Send nothing there any more."""
    if not address_changes.remove(person_of(request), address_id):
        raise Http404
    return Status(204, None)


def _shown(one: AddressEntry) -> dict[str, Any]:
    names = ("id", "label", "service", "created", "last_used", "stopped", "signs")
    return {**{name: getattr(one, name) for name in names}, "method": one.transport}


def _method(one: AddressForm) -> dict[str, str]:
    return {name: getattr(one, name) for name in ("name", "label", "address_label", "address_help")}


@sensitive_variables()
def _added(added: Added) -> dict[str, Any]:
    return {"id": str(added.row.pk), "label": str(added.row), "secret": added.secret}
