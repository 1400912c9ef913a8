"""The schemas of the API, as OpenAPI shows them. `message.Item` makes the values."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, JsonValue, model_validator

IDS_AT_ONCE = 1000
UNDO_LENGTH = 60_000

_AN_ITEM: dict[str, JsonValue] = {
    "id": "12",
    "kind": "comment.reply",
    "title": "Bob replied to “Hello”",
    "body": "I agree.",
    "url": "/posts/9/",
    "level": "info",
    "icon": "reply",
    "tag": "n12",
    "actor": "Bob",
    "target": "Hello",
    "data": {},
    "at": "2026-11-20T12:00:00.123456Z",
    "unread": True,
    "seen": False,
    "archived": False,
    "delivered": False,
    "toast": True,
}
_AN_UNDO = "eyJhIjoicmVhZCIsIm4iOjJ9:1tOaRk:Ub8mC2"
_FROM_A_PUSH = "WzMsMTJd:1tOaRk:mX0pR4"
_AN_AUTH_KEY = "tBHItJI5svbpez7KI4CCXg"
_A_PUBLIC_KEY = "BLc4xRzKlKORKWlbdgFaBrrPK3ydWAHo4M0gs0i1oEKgPpWC5cW8OCzVrOQRv-1npXRWk8udnW3oYhIO4475rds"


class Problem(Schema):
    """Every error has this shape."""

    detail: str = Field(description="What is wrong, in words.", examples=["Sign in first."])


class Words(Schema):
    title: str
    body: str


class ItemReason(Schema):
    """The reason that the person got a notification."""

    code: str = Field(examples=["commenter"])
    words: str = Field(examples=["Because you commented on this."])
    object: str | None = Field(description="For `following/unfollow/`; null if there is nothing to unfollow.")


class ActionAsks(Schema):
    label: str
    required: bool
    max_length: int


class ItemAction(Schema):
    name: str
    title: str
    style: str = Field(description="`primary`, `danger` or empty.")
    asks: ActionAsks | None = Field(None, description="Only if it asks for a word.")


class ActionOutcome(Schema):
    action: str = Field(examples=["approve"])
    text: str = Field(description="Who did what, in words.", examples=["Approved by Bob"])
    detail: str = Field(description="What the site adds, or empty.", examples=["Paid on Friday."])
    by: str = Field(examples=["Bob"])
    at: str = Field(examples=["2026-11-20T12:00:00.123456Z"])


class ItemGroup(Schema):
    """The unread notifications of one group. The newest stands for all in lists."""

    key: str = Field(description="Opaque. Unread items with one key are shown as one.")
    count: int | None = Field(None, description="Only if there are several: how many, 100 at most.")
    title: str | None = Field(None, description="Only beside `count`.", examples=["Bob and 4 others replied"])
    body: str | None = Field(None, description="Only beside `count`. Plain text, may be empty.")
    actors: list[str] | None = Field(None, description="Only beside `count`: the newest 5 at most.")


class InboxItem(Schema):
    model_config = ConfigDict(json_schema_extra={"example": _AN_ITEM})

    id: str = Field(description="Opaque. An announcement keeps its id when the person gets a row for it.")
    kind: str = Field(description="The type of notification, declared by one of the site's apps.")
    title: str
    body: str = Field(description="Plain text, may be empty.")
    url: str = Field(description="A path of this site, or an empty text.")
    leads_to: str | None = Field(
        None, description="Only on announcements: an https address of another site. `url` is then the page here."
    )
    level: Literal["success", "info", "warning", "error"]
    icon: str
    avatar: str | None = Field(
        None,
        description="Only with the setting `AVATAR`: the actor's picture, of this site or at https.",
    )
    tag: str = Field(description="On a device, a push replaces an earlier one with the same tag.")
    actor: str
    target: str
    data: JsonValue = Field(description="The sender's own data.")
    at: str = Field(description="When it happened: ISO 8601 in UTC, with microseconds.")
    unread: bool
    seen: bool
    archived: bool
    delivered: bool = Field(description="True once some delivery method has reached the person.")
    toast: bool = Field(description="False: list and count it, but show no toast.")
    group: ItemGroup | None = Field(
        None, description="Only if it belongs to a group. In events, and for members listed singly, only the key."
    )
    reason: ItemReason | None = Field(None, description="Only if the site gave a reason.")
    critical: bool | None = Field(None, description="Only if it is critical: true. Quiet hours do not hold it back.")
    must_acknowledge: bool | None = Field(
        None, description="Only if the person must confirm it: true. It stays on top until then."
    )
    acknowledged_at: str | None = Field(
        None, description="Only beside `must_acknowledge`: when the person confirmed it, or null."
    )
    translations: dict[str, Words] | None = Field(
        None, description="Only on announcements: words by language. Other languages use the plain fields."
    )
    actions: list[ItemAction] | None = Field(None, description="Only if its kind has actions that run, and none ran.")
    result: ActionOutcome | None = Field(None, description="Only once an action has run: what came of it.")
    extension: dict[str, JsonValue] | None = Field(None, description="Columns that the site adds for pages, if any.")
    saved: Literal[True] | None = Field(None, description="Only if the person has saved it: true.")
    snoozed_until: str | None = Field(
        None, description="Only while it is snoozed: when it comes back. `archived` is then true, too."
    )
    scope: str | None = Field(
        None, description="Only on sites with scopes, such as tenants: the one it belongs to, or empty for all of them."
    )


class UnconfirmedItems(Schema):
    results: list[InboxItem] = Field(description="The newest of them, 5 at most.")
    count: int = Field(description="How many there are, 100 at most.")


class NotificationPage(Schema):
    results: list[InboxItem] = Field(description="Newest first, 20 at most.")
    next: str | None = Field(
        description="Pass it as `before` to get the next page; null on the last page.",
        examples=["1763640000123456.12"],
    )
    previous: str | None = Field(
        None,
        description="Only with `before`, `after` or `at`: pass it as `after` to get what is newer; null without any.",
    )
    reached: datetime | None = Field(
        None, description="Only if a search or filter has yet to go through what is older (or newer) than this time."
    )
    unconfirmed: UnconfirmedItems | None = Field(
        None, description="Only on the first page without filters: what the person has yet to confirm, if anything."
    )
    group: ItemGroup | None = Field(None, description="Only with `group`, if anything of it is unread.")
    cursor: str = Field(
        description="Taken before the results: a live connection that starts here misses nothing.",
        examples=["eyJpbmJveC43IjoxOH0"],
    )


class UnreadCounts(Schema):
    model_config = ConfigDict(json_schema_extra={"example": {"unread": 3, "unseen": 1, "capped": False}})

    unread: int = Field(description="100 at most.")
    unseen: int = Field(description="Unread, and not seen in the bell yet. 100 at most.")
    capped: bool = Field(description="Whether a number reached 100, so that there may be more.")


Listed = Literal["all", "unread", "saved", "snoozed", "archived", "unconfirmed"]


LISTS: dict[str, dict[str, Any]] = {
    "all": {},
    "unread": {"unread": True},
    "saved": {"saved": True},
    "snoozed": {"snoozed": True},
    "archived": {"archived": True},
    "unconfirmed": {"unconfirmed": True},
}
"""The arguments of `queries.items` for each list."""


class Filters(Schema):
    show: Listed | None = Field(
        None, description="The list, as the inbox page names it. Saved ones may also be archived or snoozed."
    )
    unread: bool | None = Field(None, description="True: only unread. False: only read.")
    kind: str | None = Field(
        None, pattern=r"^[^\x00]*$", max_length=100, description="Only this kind.", examples=["comment.reply"]
    )
    unconfirmed: bool = Field(False, description="True: only what the person has yet to confirm.")
    group: str | None = Field(
        None, pattern=r"^[^\x00]+$", max_length=200, description="Only the unread ones of this group, singly."
    )
    grouped: bool = Field(True, description="False: list the unread ones of a group singly.")
    tab: str | None = Field(
        None,
        max_length=200,
        description="Only kinds of this group, by its `name` in `tabs/`.",
        examples=["Conversations"],
    )
    q: str = Field(
        "",
        max_length=200,
        description="Only what has all these words in its title, body, actor or target, as people see them.",
    )
    before: str | None = Field(
        None,
        max_length=100,
        description="The `next` of a page: go on with what is older.",
        # Only documented: the route's own words say more than those of a pattern.
        json_schema_extra={"pattern": r"^-?\d{1,18}\.\d{1,18}$"},
    )
    after: str | None = Field(
        None,
        max_length=100,
        description="The `previous` of a page: go on with what is newer.",
        json_schema_extra={"pattern": r"^-?\d{1,18}\.\d{1,18}$"},
    )
    at: str | None = Field(None, max_length=20, description="The id of a notification: begin the page with it.")

    @model_validator(mode="after")
    def _one_place(self) -> Filters:
        if sum(one is not None for one in (self.before, self.after, self.at)) > 1:
            raise ValueError("Give one of before, after and at.")
        if self.group is not None and self.model_fields_set - {"group", "before", "after"}:
            raise ValueError("With `group`, give no other filter than before or after.")
        return self


class InboxTab(Schema):
    """A group of kinds. The number is counted among the person's newest 500 unread notifications."""

    name: str = Field(description="For `tab`: the same in every language.", examples=["Conversations"])
    label: str = Field(description="In the person's language.", examples=["Conversations"])
    kinds: list[str] = Field(examples=[["comment.reply"]])
    unread: int = Field(description="100 at most.")
    capped: bool = Field(description="Whether there may be more.")


class InboxTabs(Schema):
    results: list[InboxTab] = Field(description="Empty on a site whose kinds have no groups.")


class Shown(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"ids": ["12"]}})

    ids: list[str] = Field(max_length=IDS_AT_ONCE, description="An id of another person is treated as missing.")


_MARKED: list[JsonValue] = [
    {"ids": ["12", "a5"]},
    {"all": True},
    {"all": True, "tab": "Conversations"},
    {"all": True, "show": "saved"},
]
_EITHER: list[JsonValue] = [
    {
        "required": ["ids"],
        "properties": {
            "ids": {"type": "array"},
            "all": {"type": "null"},
            "show": {"type": "null"},
            "tab": {"type": "null"},
            "kind": {"type": "null"},
        },
    },
    {"required": ["all"], "properties": {"all": {"const": True}, "ids": {"type": "null"}, "groups": {"type": "null"}}},
]


class Marked(Schema):
    """Either `ids` or `all`. With `all`, `show` names another list, and `tab` and `kind` leave only their kinds."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": _MARKED, "oneOf": _EITHER})

    ids: list[str] | None = Field(
        None, max_length=IDS_AT_ONCE, description="An id of another person is treated as missing."
    )
    all: Literal[True] | None = Field(
        None, description="Everything in a list: the inbox, or what the mark takes away, such as the archive."
    )
    show: Listed | None = Field(None, description="Only beside `all`: another list.")
    tab: str | None = Field(None, max_length=200, description="Only beside `all`: kinds of this group.")
    kind: str | None = Field(None, max_length=100, pattern=r"^[^\x00]*$", description="Only beside `all`: this kind.")

    @model_validator(mode="after")
    def _either(self) -> Marked:
        if (self.ids is None) == (self.all is None):
            raise ValueError('Give either {"ids": […]} or {"all": true}.')
        if self.all is None and any(one is not None for one in (self.show, self.tab, self.kind)):
            raise ValueError('Give show, tab and kind only beside {"all": true}.')
        return self


class Acknowledged(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"ids": ["12", "a5"]}]})

    ids: list[str] = Field(max_length=IDS_AT_ONCE, description="An id of another person is treated as missing.")


class MarkedForUndo(Marked):
    groups: Literal[True] | None = Field(
        None, description="Beside `ids`: also mark the older unread ones of their groups, as one change."
    )
    undo: Literal[True] | None = Field(None, description="Answer with a token that undoes this mark for an hour.")


class ToSnooze(MarkedForUndo):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"ids": ["12"], "until": "tomorrow"},
                {"ids": ["12"], "until": "2026-12-01T08:00:00Z", "undo": True},
            ]
        },
    )

    until: str = Field(
        max_length=40,
        description="`later`, `tomorrow`, `monday`, or a date and a time in ISO 8601, at most a year ahead. Without an "
        "offset, it is in the person's time zone.",
    )


class SnoozeTime(Schema):
    until: str = Field(description="To send as `until`.", examples=["tomorrow"])
    words: str = Field(examples=["Tomorrow morning"])
    at: str = Field(description="The time it means, in UTC.", examples=["2026-12-01T08:00:00Z"])


class SnoozeTimes(Schema):
    zone: str = Field(description="The person's time zone.", examples=["Europe/Berlin"])
    results: list[SnoozeTime]


class Changed(Schema):
    changed: int = Field(description="How many notifications changed.", examples=[2])


class ChangedForUndo(Changed):
    undo: str | None = Field(
        None,
        description="Only if asked for: opaque, for `notifications/undo/`. Null if nothing changed. Null, too, if more "
        "than 1,000 were marked as unread, moved back or removed from the saved ones.",
        examples=[_AN_UNDO],
    )


class Snoozed(ChangedForUndo):
    until: str = Field(description="When they come back: ISO 8601 in UTC.", examples=["2026-12-01T08:00:00.000000Z"])


class Undo(Schema):
    model_config = ConfigDict(extra="forbid")

    undo: str = Field(max_length=UNDO_LENGTH, description="From the answer to a mark.", examples=[_AN_UNDO])


class Key(Schema):
    key: str = Field(
        description="The applicationServerKey for `pushManager.subscribe()`, in base64url.", examples=[_A_PUBLIC_KEY]
    )


class SubscriptionKeys(Schema):
    p256dh: str = Field(max_length=200, examples=[_A_PUBLIC_KEY])
    auth: str = Field(max_length=100, examples=[_AN_AUTH_KEY])


class SubscriptionGiven(Schema):
    """The browser's subscription, as `PushSubscription.toJSON()` returns it."""

    endpoint: str = Field(max_length=2048, examples=["https://push.example.net/send/abc"])
    expirationTime: float | None = None  # noqa: N815 -- the browser's word
    keys: SubscriptionKeys
    key: str = Field("", max_length=100, description="The key it was made with, if that may be an earlier one.")


class Browser(Schema):
    """One of the person's browsers. Its endpoint and keys stay secret: anyone who has them can send to it."""

    id: str = Field(examples=["5"])
    name: str = Field(examples=["Firefox on Linux"])
    created: datetime
    last_used: datetime


class RegisteredBrowser(Browser):
    token: str = Field(description="Lets the service worker renew this subscription, once.", examples=[_FROM_A_PUSH])


class Renewal(Schema):
    token: str = Field(
        max_length=500, description="From the registration or the last renewal.", examples=[_FROM_A_PUSH]
    )
    subscription: SubscriptionGiven


class Browsers(Schema):
    results: list[Browser]


class TestSent(Schema):
    __test__ = False

    id: str = Field(description="Of the test notification.", examples=["12"])


class Act(Schema):
    token: str = Field(max_length=500, description="From the push.", examples=[_FROM_A_PUSH])
    action: Literal["shown", "clicked", "read", "acknowledge", "unfollow", "run"]
    name: str = Field("", max_length=100, description="With `run`: the name of the notification's own action.")


class Acted(Schema):
    unread: int | None = Field(description="How many are unread now, 100 at most; null if the notification is gone.")
    result: ActionOutcome | None = Field(None, description="Only with `run`: who did what.")
