"""Links in emails and pushes that unfollow one thing. They sign nobody in, and never expire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import ValidationError
from django.urls import NoReverseMatch, reverse

from notifications_hub.following.followed import BadReference, Followed

SALT = "notifications_hub.unfollow"


@dataclass(frozen=True, slots=True)
class UnfollowLink:
    """One person and one thing."""

    person_pk: Any
    followed: Followed

    @property
    def path(self) -> str:
        """Return the path of its page, or an empty text on a site that does not serve the hub's pages."""
        token = signing.Signer(salt=SALT).sign_object([str(self.person_pk), str(self.followed)])
        try:
            return reverse("notifications_hub:unfollow", args=[token])
        except NoReverseMatch:
            return ""

    @classmethod
    def read(cls, token: str) -> UnfollowLink:
        """Return what a link unfollows. Raise `BadReference`."""
        try:
            person, followed = signing.Signer(salt=SALT).unsign_object(token)
            return cls(get_user_model()._meta.pk.to_python(person), Followed.parse(followed))
        except (signing.BadSignature, ValidationError, TypeError, ValueError):
            raise BadReference(token) from None
