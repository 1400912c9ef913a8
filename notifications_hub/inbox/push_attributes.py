"""The attributes by which a page configures its push scripts, for `_push_attributes.html`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.http import HttpRequest
from django.middleware.csrf import get_token

from notifications_hub.inbox import links
from notifications_hub.transports.web_push import session_binding
from notifications_hub.users import pseudonym_of


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
        """Return the attributes for a signed-in person, without a query."""
        return cls(
            api=links.api(),
            key_url=links.push_key(),
            renew_url=links.push_renew(),
            sw_url=links.service_worker(),
            csrf=get_token(request),
            person=pseudonym_of(request.user.pk),
            binding=session_binding.binding_of(request),
        )
