"""Every element in every state, as the gallery shows them. To add a state, add one `State` to its element.

An element has a template that the server renders, or a name by which `gallery/drawings.js` draws it with the product's
own scripts. Its states give that template or drawing their values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications_hub.catalogue import gallery_items as items
from notifications_hub.following.button import FollowButton
from notifications_hub.following.follows import Standing
from notifications_hub.inbox.preference_table import Choice, Row
from notifications_hub.inbox.snooze_form import snooze_form
from notifications_hub.inbox.views import InboxEntry
from notifications_hub.jobs.models import Job
from notifications_hub.jobs.progress_tag import shown_of
from notifications_hub.kinds import Digest, method_name
from notifications_hub.message import Item, Message

Values = Mapping[str, Any]
_LEVELS = ("info", "success", "warning", "error")


@dataclass(frozen=True, slots=True)
class State:
    """One state of an element. `values` returns what its template or drawing needs, in the active language."""

    name: str
    values: Callable[[], Values]


@dataclass(frozen=True, kw_only=True, slots=True)
class Element:
    """An element with its states. The server renders `template`, and a script draws what `draws` names.

    `around` is the markup that its part of a page stands in: see `gallery.html`.
    """

    name: str
    title: str | Promise
    states: Sequence[State]
    template: str = ""
    draws: str = ""
    around: str = ""


def elements() -> list[Element]:
    return [
        _bell,
        _panel,
        _rows,
        _cards,
        _toasts,
        _notices,
        _connection,
        _banners,
        _preferences,
        _push,
        _progress,
        _follow,
    ]


# The bell and its panel

_bell = Element(
    name="bell",
    title=gettext_lazy("Bell"),
    draws="bell",
    states=[
        State("none", lambda: {"unread": 0, "unseen": 0}),
        State("new", lambda: {"unread": 3, "unseen": 3}),
        State("seen", lambda: {"unread": 3, "unseen": 0}),
        State("many", lambda: {"unread": 100, "unseen": 100}),
    ],
)


def _panel_of(shows: str, connection: str = "live", listed: Sequence[Item] = ()) -> Values:
    return {"shows": shows, "connection": connection, "items": [one.as_json() for one in listed]}


_panel = Element(
    name="panel",
    title=gettext_lazy("Panel of the bell"),
    draws="panel",
    states=[
        State("items", lambda: _panel_of("list", listed=items.several())),
        State("empty", lambda: _panel_of("empty")),
        State("loading", lambda: _panel_of("loading", "connecting")),
        State("error", lambda: _panel_of("failed")),
        State("offline", lambda: _panel_of("list", "waiting", items.several())),
        State("signed-out", lambda: _panel_of("signed-out", "signed-out")),
    ],
)

# Items


def _states_of_items(values: Callable[[Item], Values]) -> list[State]:
    """Return the states that rows and cards share. A state of an item is one entry here."""
    makers: dict[str, Callable[[], Item]] = {
        "unread": items.an_item,
        "read": lambda: items.an_item(unread=False),
        **{f"level-{level}": partial(items.an_item, level=level) for level in _LEVELS[1:]},
        "picture": items.with_picture,
        "reason": lambda: items.an_item(reason="author", because=_("Because you wrote this.")),
        "to-confirm": items.to_confirm,
        "confirmed": lambda: items.to_confirm(confirmed=True),
        "with-actions": items.with_actions,
        "with-result": items.with_result,
        "group": items.grouped,
        "saved": lambda: items.an_item(saved=True, unread=False),
    }
    return [State(name, partial(_values_of, values, make)) for name, make in makers.items()]


def _values_of(values: Callable[[Item], Values], make: Callable[[], Item]) -> Values:
    return values(make())


def _drawn(item: Item) -> Values:
    return {"item": item.as_json()}


_rows = Element(
    name="row",
    title=gettext_lazy("Row of the panel"),
    draws="row",
    around="rows",
    states=_states_of_items(_drawn),
)


def _card_of(item: Item) -> Values:
    return {"item": InboxEntry.of_item(item, ""), "snooze": snooze_form(timezone.get_current_timezone())}


_cards = Element(
    name="card",
    title=gettext_lazy("Card of the inbox"),
    template="_item.html",
    around="cards",
    states=[
        *_states_of_items(_card_of),
        State("snoozed", lambda: _card_of(items.snoozed())),
        State("archived", lambda: _card_of(items.an_item(archived=True, unread=False))),
    ],
)
_toasts = Element(
    name="toast",
    title=gettext_lazy("Toast"),
    draws="toast",
    around="toasts",
    states=[
        *(State(level, partial(_values_of, _drawn, partial(items.an_item, level=level))) for level in _LEVELS),
        State("picture", lambda: _drawn(items.with_picture())),
        State("to-confirm", lambda: _drawn(items.to_confirm())),
        State("with-actions", lambda: _drawn(items.with_actions())),
        State("with-result", lambda: _drawn(items.with_result())),
    ],
)
_notices = Element(
    name="notice",
    title=gettext_lazy("Report of a change"),
    template="_notice.html",
    draws="notice",
    states=[
        State("done", lambda: {"text": "archived", "action": "undo"}),
        State("failed", lambda: {"text": "archived-offline", "action": "retry"}),
    ],
)
_connection = Element(
    name="connection",
    title=gettext_lazy("Connection of the page"),
    template="_connection.html",
    draws="connection",
    states=[
        State("offline", lambda: {"text": "offline", "retries": False}),
        State("paused", lambda: {"text": "waiting", "retries": True}),
        State("trying", lambda: {"text": "trying", "retries": True}),
    ],
)

# Beside the inbox


def _banner(level: str, *, url: str = "", leads_to: str = "", is_dismissable: bool = True) -> Values:
    title, body = _("Maintenance on Sunday"), _("The site will be read-only from 6 to 7.")
    message = Message(id="a1", kind="announcement", title=title, body=body, level=level, url=url, leads_to=leads_to)
    return {"message": message, "is_dismissable": is_dismissable}


_banners = Element(
    name="banner",
    title=gettext_lazy("Banner"),
    template="_banner.html",
    around="banners",
    states=[
        *(State(level, partial(_banner, level)) for level in _LEVELS),
        State("link", lambda: _banner("info", url="/")),
        State("other-site", lambda: _banner("info", url="/", leads_to="https://example.com/")),
        State("stays", lambda: _banner("warning", is_dismissable=False)),
    ],
)


def _preference(*, locked: bool = False, digest: Digest | None = None, ready: bool = True) -> Values:
    methods = [
        Choice(name, method_name(name), checked=name != "web_push", locked=locked, ready=ready)
        for name in ("live", "web_push", "email")
    ]
    row = Row(
        name="sample",
        label=_("Replies"),
        description=_("Somebody replied to what you wrote."),
        locked_because=_("The law asks us to tell you.") if locked else "",
        chosen=not locked,
        defaults=frozenset(),
        methods=methods,
        digest=digest,
        digested=digest is not None,
    )
    return {"row": row, "columns": methods}


_preferences = Element(
    name="preference",
    title=gettext_lazy("Row of the preferences"),
    template="_preference_row.html",
    around="table",
    states=[
        State("open", _preference),
        State("locked", lambda: _preference(locked=True)),
        State("digest", lambda: _preference(digest=Digest.DAILY)),
        State("not-ready", lambda: _preference(ready=False)),
    ],
)
_PUSH_STATES = ("default", "off", "on", "denied", "unsupported", "install", "offline", "signed-out", "worker", "failed")
_push = Element(
    name="push",
    title=gettext_lazy("Push notifications of a browser"),
    template="push_subscription.html",
    draws="push",
    states=[State(name, partial(dict, state=name)) for name in _PUSH_STATES],
)


def _job(state: str, **fields: Any) -> Values:
    job = Job(title=_("Report of sales"), state=state, created=datetime.now(UTC), **fields)
    return {**shown_of(job), "cancel_url": "#"}


_progress = Element(
    name="progress",
    title=gettext_lazy("Progress of a job"),
    template="task_progress.html",
    states=[
        State("queued", lambda: _job("queued")),
        State("running", lambda: _job("running", done=3, total=10, text=_("3 of 10"))),
        State("unknown", lambda: _job("running")),
        State("done", lambda: _job("done", download="/")),
        State("failed", lambda: _job("failed", reason="error", done=3, total=10)),
        State("cancelled", lambda: _job("cancelled", done=3, total=10)),
    ],
)


def _button(standing: Standing) -> Values:
    return {"button": FollowButton("", standing, api="", change_url="#", here="", csrf="")}


_follow = Element(
    name="follow",
    title=gettext_lazy("Follow button"),
    template="_follow_button.html",
    states=[
        State("off", lambda: _button(Standing())),
        State("on", lambda: _button(Standing(following=True))),
        State("muted", lambda: _button(Standing(following=True, muted_until=datetime.now(UTC) + timedelta(days=1)))),
    ],
)
