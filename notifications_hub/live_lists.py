"""Lists that stay up to date on an open page: their rows, and the cursor at which the updates start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from notifications_hub.database.primary import from_primary
from notifications_hub.inbox import links
from notifications_hub.live.start_cursor import cursor_at
from notifications_hub.live.topics import are_public
from notifications_hub.rows.registry import rows_of
from notifications_hub.users import pseudonym_of
from notifications_hub.web.bundles import script_tag, style_tag
from notifications_hub.web.nonce import nonce_of


@dataclass(frozen=True, slots=True)
class LiveList:
    """The rows of a live list. `attributes` go on its `<live-list>` element, whose style and script are `media`."""

    rows: list[Any]
    attributes: SafeString
    nonce: str

    @property
    def media(self) -> SafeString:
        return style_tag("live-list", self.nonce) + script_tag("live-list", self.nonce)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def live_list(request: HttpRequest, topic: str, rows: QuerySet[Any], *, row: str = "") -> LiveList:
    """Return a list that follows a topic. The cursor is read before the rows, so that no event is missed in between.

    `row` is the prefix of its event names, if that is not the model's first declaration. For visitors who are not
    signed in, the list updates if its topic is public; nothing in it is personal. Raise `TypeError` for anything but a
    queryset, since its rows may have been read earlier.
    """
    if not isinstance(rows, QuerySet):
        raise TypeError("live_list() reads the rows itself, after the cursor: pass a queryset.")
    declared = rows_of(rows.model)
    attributes = {"topic": topic, "row": row or (declared[0].name if declared else "")}
    person = getattr(request, "user", None)
    if person is not None and person.is_authenticated:
        attributes |= {"cursor": cursor_at([topic]), "live": links.live(), "person": pseudonym_of(person.pk)}
    elif are_public([topic]):
        attributes |= {"cursor": cursor_at([topic]), "live": links.live()}
    written = format_html_join(" ", '{}="{}"', attributes.items())
    return LiveList(list(from_primary(rows.all())), written, nonce_of(request))
