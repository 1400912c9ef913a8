"""What the scripts about pushes are told by the page, in `_push_attributes.html`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.http import HttpRequest
from django.middleware.csrf import get_token

from notifications_hub.inbox import addresses
from notifications_hub.people import pseudonym_of
from notifications_hub.transports import binding


@dataclass(frozen=True, kw_only=True, slots=True)
class PushAttributes:
    api: str
    key_url: str
    renew_url: str
    sw_url: str
    csrf: str
    person: str
    binding: str

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """For who is signed in. Takes no query."""
        return cls(
            api=addresses.api(),
            key_url=addresses.push_key(),
            renew_url=addresses.push_renew(),
            sw_url=addresses.service_worker(),
            csrf=get_token(request),
            person=pseudonym_of(request.user.pk),
            binding=binding.binding_of(request),
        )
