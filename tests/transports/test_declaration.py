"""The declaration of a transport, its defaults, and the default methods of kinds that follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from pytest_django import Settings

from notifications_hub import kinds
from notifications_hub.checks import check_settings
from notifications_hub.delivery import preferences
from notifications_hub.delivery.models import Delivery, Preference
from notifications_hub.kinds import DeliveryMethod, Kind, get_kind
from notifications_hub.transports import (
    Declaration,
    declaration_of,
    default_methods,
    locked_methods,
    transport_label,
    transport_names,
)
from notifications_hub.transports.web_push.transport import WebPush
from tests.inbox.support import ClientFor
from tests.support.deliveries import send

if TYPE_CHECKING:
    from accounts.models import User
    from notifications_hub.message import Message

PREFERENCES = "/notifications/preferences/"


class Pager:
    """A transport of two methods, which declares nothing."""

    def addresses(self, person: Any) -> list[str]:
        return [str(person.pk)]

    async def send(self, message: Message, address: str) -> None:
        pass


class Siren(Pager):
    name = "siren"
    label = "Siren & lamp"
    on_by_default = True
    optional = False
    confirms = True


def use(settings: Settings, **transports: Any) -> None:
    paths = {name: f"{__name__}.{one.__name__}" if one else None for name, one in transports.items()}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": paths}


@contextmanager
def kind(**attributes: Any) -> Iterator[Kind]:
    yield type("Declared", (Kind,), {"name": "tests.declared", **attributes})()
    del kinds._kinds["tests.declared"]


def test_a_transport_of_two_methods_declares_the_defaults(settings: Settings) -> None:
    use(settings, pager_2=Pager)
    assert declaration_of("pager_2") == Declaration(
        name="pager_2", label="", on_by_default=False, optional=True, confirms=False, retracts=False
    )
    assert transport_label("pager_2") == "Pager 2"
    assert check_settings(None) == []


def test_a_declaration_is_taken_as_it_is(settings: Settings) -> None:
    use(settings, siren=Siren)
    assert declaration_of("siren") == Declaration(
        name="siren", label="Siren & lamp", on_by_default=True, optional=False, confirms=True
    )


def test_another_transport_keeps_web_push(settings: Settings) -> None:
    use(settings, pager=Pager)
    assert transport_names() == ["web_push", "pager"]


def test_none_removes_web_push(settings: Settings) -> None:
    use(settings, pager=Pager, web_push=None)
    assert transport_names() == ["pager"]
    assert check_settings(None) == []


def test_another_class_takes_the_place_of_web_push(settings: Settings) -> None:
    use(settings, web_push=Pager)
    assert transport_names() == ["web_push"]
    assert declaration_of("web_push").confirms is False


# Default methods


def test_a_transport_on_by_default_joins_kinds_that_declare_no_methods(settings: Settings) -> None:
    use(settings, siren=Siren, pager=Pager)
    assert default_methods(get_kind("default")) == {*Kind.methods, "siren"}
    with kind(methods=frozenset({"live"})) as own:
        assert default_methods(own) == {"live"}
    with kind(optional=False) as fixed:
        assert default_methods(fixed) == Kind.methods


def test_a_base_class_of_the_host_counts_as_declaring(settings: Settings) -> None:
    use(settings, siren=Siren)

    class Base(Kind):
        methods = frozenset({DeliveryMethod.LIVE})

    inherited = type("Inherited", (Base,), {})()
    assert default_methods(inherited) == {"live"}


def test_web_push_is_on_by_default_and_confirms_itself() -> None:
    assert WebPush.on_by_default
    assert WebPush.confirms


def test_only_a_default_method_is_locked(settings: Settings) -> None:
    use(settings, siren=Siren, pager=Pager)
    assert locked_methods(get_kind("default")) == {"siren"}
    with kind(methods=frozenset({"live"})) as own:
        assert locked_methods(own) == frozenset()


@pytest.mark.both_databases
@pytest.mark.django_db
def test_a_locked_method_is_used_whatever_a_person_chose_before(alice: User, bob: User, settings: Settings) -> None:
    preferences.choose_methods(alice, "default", ["live"])
    use(settings, siren=Siren)
    assert preferences.methods_of([alice.pk, bob.pk], get_kind("default")) == {
        alice.pk: {"live", "siren"},
        bob.pk: {*Kind.methods, "siren"},
    }
    send(bob, alice)
    send(alice, bob)
    planned = Delivery.objects.order_by("pk").values_list("transport", "address")
    assert list(planned) == [("siren", str(alice.pk)), ("siren", str(bob.pk))]


@pytest.mark.both_databases
def test_the_preferences_show_a_default_and_cannot_switch_a_locked_one_off(
    alice: User, client_for: ClientFor, settings: Settings
) -> None:
    use(settings, siren=Siren)
    client = client_for(alice)
    response = client.post(PREFERENCES, {"shown": "default", "default:live": "on"}, follow=True)
    [row] = [row for row in response.context["table"].rows if row.name == "default"]
    assert {choice.name: (choice.checked, choice.locked) for choice in row.methods} == {
        "live": (True, False),
        "flash": (False, False),
        "web_push": (False, False),
        "siren": (True, True),
    }


@pytest.mark.django_db
def test_a_default_that_a_person_leaves_on_is_not_stored(
    alice: User, client_for: ClientFor, settings: Settings
) -> None:
    use(settings, siren=Siren)
    client = client_for(alice)
    rows = client.get(PREFERENCES).context["table"].rows
    checked = {f"{row.name}:{one.name}": "on" for row in rows for one in row.methods if one.checked}
    client.post(PREFERENCES, {"shown": [row.name for row in rows], **checked})
    assert not Preference.objects.exists()


# The system check


class NoSend:
    def addresses(self, person: Any) -> list[str]:
        return []


class PlainSend(NoSend):
    def send(self, message: Message, address: str) -> None:
        pass


class OtherArguments(Pager):
    async def send(self, text: str) -> None:  # type: ignore[override]
        pass


class NoAddresses:
    async def send(self, message: Message, address: str) -> None:
        pass


class BadFlag(Pager):
    on_by_default = "no"


class Static:
    """A valid transport, whose methods need no instance and whose label depends on it."""

    @staticmethod
    def addresses(person: Any) -> list[str]:
        return []

    @classmethod
    async def send(cls, message: Message, address: str) -> None:
        pass

    @property
    def label(self) -> str:
        return "Static"


def made() -> Pager:
    return Pager()


@pytest.mark.parametrize(
    ("broken", "fault", "remedy"),
    [
        (NoSend, "it has no method `send`", "async def send(self, message, address)"),
        (PlainSend, "its method `send` is not async", "async def send(self, message, address)"),
        (OtherArguments, "its method `send` takes other arguments", "async def send(self, message, address)"),
        (NoAddresses, "it has no method `addresses`", "def addresses(self, person)"),
        (BadFlag, "its `on_by_default` is 'no'", "True or False"),
        (made, "it is not a class", "dotted path of its class"),
    ],
)
def test_what_is_no_transport_is_an_error_with_its_remedy(
    settings: Settings, broken: Any, fault: str, remedy: str
) -> None:
    use(settings, pager=broken)
    [error] = check_settings(None)
    assert error.id == "notifications_hub.E018"
    assert "'pager'" in error.msg
    assert fault in error.msg
    assert remedy in str(error.hint)


def test_static_methods_and_properties_pass(settings: Settings) -> None:
    use(settings, static=Static)
    assert check_settings(None) == []
    assert transport_label("static") == "Static"


def test_a_warning_says_which_of_two_names_wins(settings: Settings) -> None:
    use(settings, alarm=Siren)
    [warning] = check_settings(None)
    assert warning.id == "notifications_hub.W002"
    assert "wins" in warning.msg
    assert declaration_of("alarm").name == "alarm"


def test_removing_a_transport_that_is_not_there_is_an_error(settings: Settings) -> None:
    use(settings, webpush=None)
    [error] = check_settings(None)
    assert error.id == "notifications_hub.E016"
    assert "remove one of web_push" in str(error.hint)
