"""The scope of a request: the part of the person's inbox that its page lists and counts, such as a tenant."""

from __future__ import annotations

from django.http import HttpRequest

from notifications_hub.conf import hub_settings
from notifications_hub.extension_values import scope_text


def scope_of(request: HttpRequest) -> str | None:
    """Return the scope that the setting `INBOX_SCOPE` selects, as stored. None: the whole inbox.

    An error of the host's callable is raised: the whole inbox would be the wrong answer.
    """
    value = hub_settings.inbox_scope(request)
    return None if value is None else scope_text(value)
