"""The loaded site as a case sees it: its people, their clients, and values that requests name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth import get_user_model
from django.core import signing
from django.test import Client

from notifications_hub.announcements.models import Announcement
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.preparing import ACT_SALT
from notifications_hub.following.followed import Followed
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.inbox.places import PageMark
from notifications_hub.ingest.tokens import make_service_token
from notifications_hub.jobs.models import Job
from notifications_hub.models import Notification, PushSubscription
from notifications_hub.streams import cursor
from notifications_hub.streams.cursor import Position
from notifications_hub.transports.own_addresses.models import OwnAddress
from notifications_hub.transports.web_push import vapid
from showcase.models import Post
from tests.cost.loading import ADMIN, EPOCH, HEAVY, QUIET, Size

BUFFERS = 200
"""The most buffers of 8 KiB that a statement may read, if it returns and changes few rows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a statement may read: buffers, and rows in one scan, with those that a filter removes."""

    buffers: int = BUFFERS
    rows: float = inf


@dataclass(frozen=True, slots=True)
class Case:
    """Something that the site does, and the limits of each of its statements."""

    name: str
    act: Callable[[World], object]
    limits: Limits = Limits()


# Flash messages have a case of their own, so other pages show none: only a page that the browser navigates to does.
_NO_FLASH = {"Sec-Fetch-Dest": "empty"}


def _signed_in(person: Any, **headers: str) -> Client:
    client = Client(headers=headers)
    client.force_login(person)
    return client


class World:
    """The loaded site, as one case sees it. `person` has far too many notifications."""

    def __init__(self, size: Size) -> None:
        self.size = size

    @cached_property
    def person(self) -> Any:
        return get_user_model().objects.get(pk=HEAVY)

    @cached_property
    def quiet(self) -> Any:
        return get_user_model().objects.get(pk=QUIET)

    @cached_property
    def client(self) -> Client:
        return _signed_in(self.person, **_NO_FLASH)

    @cached_property
    def quiet_client(self) -> Client:
        return _signed_in(self.quiet, **_NO_FLASH)

    @cached_property
    def admin(self) -> Client:
        return _signed_in(get_user_model().objects.get(pk=ADMIN), **_NO_FLASH)

    @cached_property
    def flashed(self) -> Client:
        """A client of the person whose pages show flash messages."""
        return _signed_in(self.person)

    @cached_property
    def service(self) -> str:
        """The token of a service."""
        return make_service_token("Billing", ["default"])

    @property
    def topic(self) -> str:
        return f"inbox.{HEAVY}"

    def row(self, age: int = 0) -> Notification:
        """Return the person's notification of this age, from 0 for the newest."""
        return Notification.objects.get(pk=self.size.notifications - age * self.size.step)

    def ids(self, count: int) -> list[str]:
        return [str(self.size.notifications - age * self.size.step) for age in range(count)]

    @property
    def before(self) -> str:
        """The end of a page that is deep in the inbox."""
        return str(PageMark.of(self.row(self.size.heavy // 2)))

    @property
    def behind(self) -> Position:
        """The position of a page that was away for ten events."""
        top = self.size.heavy
        return Position(EPOCH, top - 10, top)

    @property
    def cursor(self) -> str:
        top = self.size.heavy
        return cursor.encode({self.topic: Position(EPOCH, top - 10, top - 10)})

    @property
    def shown(self) -> str:
        return cursor.encode({self.topic: self.behind})

    @property
    def job(self) -> Job:
        found = Job.objects.filter(owner=self.person).first()
        assert found is not None
        return found

    @property
    def banner(self) -> Announcement:
        """A banner that nobody has dismissed."""
        return Announcement.objects.banners().earliest("pk")

    @property
    def browser(self) -> PushSubscription:
        return PushSubscription.objects.get(pk=HEAVY)

    @property
    def post(self) -> Post:
        """A post that everybody follows."""
        return Post.objects.get(pk=1)

    @property
    def followed(self) -> Followed:
        return Followed.of(self.post)

    @property
    def things(self) -> list[str]:
        """Twenty of the things that the person follows."""
        return [f"{self.followed.content_type_id}.{number}" for number in range(1, 21)]

    @property
    def followed_before(self) -> int:
        """The end of a page that is deep in what the person follows."""
        return self.size.people + self.size.heavy // 2

    @property
    def own_address(self) -> OwnAddress:
        return OwnAddress.objects.get(pk=HEAVY)

    @property
    def undo(self) -> str:
        """The token of a mark of ten notifications."""
        token = marks.mark(self.person, Mark.READ, self.ids(10)).undo
        assert token is not None
        return token

    @property
    def act_token(self) -> str:
        row = self.row()
        return signing.dumps([Delivery.objects.get(notification=row).pk, row.pk], salt=ACT_SALT)

    def subscription(self) -> dict[str, Any]:
        """Return what a browser gives for its subscription."""
        point = ec.generate_private_key(ec.SECP256R1()).public_key()
        key = vapid.b64url(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        return {
            "endpoint": "https://fcm.googleapis.com/fcm/send/new",
            "keys": {"p256dh": key, "auth": vapid.b64url(bytes(16))},
        }
