"""The two pages of the chat: the rooms, and one room. They work without JavaScript."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.people import time_zone_of
from notifications_hub import live_url, start_cursor
from showcase.chat import here, history, rooms
from showcase.chat.faces import face_of
from showcase.chat.forms import MemberForm, MessageForm, RoomForm
from showcase.chat.mentions import names_in
from showcase.chat.models import MAX_BODY, Membership, Message, Room
from showcase.chat.visitor import membership_of, number, person_of, private

MOST_ROOMS = 12
"""Whose news one page hears: each is asked of its rule whenever the page connects."""


@dataclass(frozen=True, slots=True)
class Line:
    """A message as the page shows it. One that `continues` goes without a name of its own."""

    message: Message
    continues: bool
    mentions_me: bool
    begins_day: bool
    is_first_unread: bool


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@private
def rooms_page(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = RoomForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with transaction.atomic():
            return redirect(form.open_for(person))
    context = {
        "memberships": rooms.memberships_of(person),
        "invitations": rooms.invitations_of(person),
        "open_rooms": rooms.open_to(person),
        "form": form,
    }
    return render(request, "showcase/chat/rooms.html", context)


@require_safe
@login_required
@private
def room_page(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        membership = membership_of(request, slug)
    except PermissionDenied:
        return _closed_door(request, slug)
    return show(request, membership)


def _closed_door(request: HttpRequest, slug: str) -> HttpResponse:
    room = Room.objects.filter(slug=slug, is_open=True).first()
    return render(request, "showcase/chat/door.html", {"room": room}, status=403)


def show(
    request: HttpRequest, membership: Membership, form: MessageForm | None = None, status: int = 200
) -> HttpResponse:
    """A room to one of its members; `form` is what they could not send."""
    room, person = membership.room, membership.person
    topics = topics_of(membership)
    # Before the rows: what is written between the two is then heard twice, and never missed.
    cursor = start_cursor(person, topics)
    page = history.page(room, before_of(request))
    context = {
        "room": room,
        "membership": membership,
        "me": face_of(person),
        "live": live_url(person),
        "max_body": MAX_BODY,
        "memberships": rooms.memberships_of(person)[:MOST_ROOMS],
        "members": room.memberships.select_related("person"),
        "here": here.people_in(room),
        "page": page,
        "lines": _lines(page.messages, membership),
        "form": form or MessageForm(initial={"client_id": secrets.token_hex(16)}),
        "member_form": MemberForm(),
        "topics": topics,
        "cursor": cursor,
        "csrf": get_token(request),
        "time_zone": time_zone_of(person),
        "beat": here.BEAT_SECONDS,
        "life": here.LIFE_SECONDS,
    }
    return render(request, "showcase/chat/room.html", context, status=status)


def topics_of(membership: Membership) -> list[str]:
    """What the page of a room hears: the room first, its person's other tabs, and their other rooms."""
    person = membership.person
    others = rooms.memberships_of(person)[:MOST_ROOMS]
    return list(dict.fromkeys([membership.room.topic, rooms.own_topic(person), *(one.room.topic for one in others)]))


def before_of(request: HttpRequest) -> int | None:
    """Which message the wanted page of the history ends before. Raises `BadRequest`."""
    return number(request.GET["before"]) if "before" in request.GET else None


def _lines(written: Sequence[Message], membership: Membership) -> Iterator[Line]:
    name = membership.person.get_username().lower()
    last: Message | None = None
    seen_unread = membership.read_through == 0
    for message in written:
        begins_day = last is None or _day_of(last) != _day_of(message)
        continues = not begins_day and _continues(last, message)
        is_unread = message.pk > membership.read_through and message.author_id != membership.person_id
        calls_me = name in names_in(message.body)
        yield Line(message, continues, calls_me, begins_day, is_unread and not seen_unread)
        seen_unread = seen_unread or is_unread
        last = message


def _day_of(message: Message) -> date:
    """In the reader's time zone."""
    return timezone.localtime(message.created).date()


def _continues(last: Message | None, message: Message) -> bool:
    return (
        last is not None and last.author_id == message.author_id and message.created - last.created < history.TOGETHER
    )
