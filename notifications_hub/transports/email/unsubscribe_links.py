"""Links that unsubscribe a person from the emails of some kinds, or from all. They sign nobody in, and never expire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import ValidationError
from django.urls import NoReverseMatch, reverse

SALT = "notifications_hub.unsubscribe"


class InvalidLink(ValueError):
    """Raised for a link that this site did not make."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A person's emails of some kinds; of all kinds if none is named."""

    person_pk: Any
    kinds: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """Return the token of its link. It is the same each time, so an email that is sent twice stays the same."""
        named: object = list(self.kinds) if len(self.kinds) > 1 else "".join(self.kinds)
        return signing.Signer(salt=SALT).sign_object([str(self.person_pk), named])

    @property
    def path(self) -> str:
        """Return the path of its page, or an empty text on a site that does not serve the hub's pages."""
        try:
            return reverse("notifications_hub:unsubscribe", args=[self.token])
        except NoReverseMatch:
            return ""


def subscription_in(token: str) -> Subscription:
    """Return what a link unsubscribes from. Raise `InvalidLink`."""
    try:
        person, named = signing.Signer(salt=SALT).unsign_object(token)
        kinds = named if isinstance(named, list) else [named] if named else []
        return Subscription(get_user_model()._meta.pk.to_python(person), tuple(map(str, kinds)))
    except (signing.BadSignature, ValidationError, TypeError, ValueError):
        raise InvalidLink from None
