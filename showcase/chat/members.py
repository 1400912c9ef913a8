"""Views that change a room's members: join, leave, invite, accept, decline and remove."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from showcase.chat import rooms
from showcase.chat.forms import MemberForm
from showcase.chat.models import Room
from showcase.chat.visitor import membership_of, number, person_of


@require_POST
@login_required
def join(request: HttpRequest, slug: str) -> HttpResponse:
    room = get_object_or_404(Room, slug=slug, is_open=True)
    rooms.join(room, person_of(request))
    return redirect(room)


@require_POST
@login_required
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask to join. The answer is the same for a room that does not exist."""
    rooms.ask(slug, person_of(request))
    messages.success(request, _("We've asked the members. You'll be notified of their answer."))
    return redirect("chat:rooms")


@require_POST
@login_required
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    membership = membership_of(request, slug)
    rooms.leave(membership.room, membership.person)
    messages.success(request, _("You left “%(room)s”.") % {"room": membership.room})
    return redirect("chat:rooms")


@require_POST
@login_required
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """Invite a person. Only the owner may."""
    room = _owned_room(request, slug)
    form = MemberForm(request.POST)
    name = form.cleaned_data["username"] if form.is_valid() else ""
    person = User.objects.filter(username=name, is_active=True).first()
    if person is None:
        messages.error(request, _("We couldn't find anyone with that username."))
    elif rooms.invite(room, person_of(request), person):
        text = _("You invited %(name)s. They can join once they accept.")
        messages.success(request, text % {"name": person})
    else:
        messages.info(request, _("%(name)s is already in this room.") % {"name": person})
    return redirect(room)


@require_POST
@login_required
def accept(request: HttpRequest, slug: str) -> HttpResponse:
    room = _invited_to(request, slug)
    rooms.accept(room, person_of(request))
    return redirect(room)


@require_POST
@login_required
def decline(request: HttpRequest, slug: str) -> HttpResponse:
    rooms.decline(_invited_to(request, slug), person_of(request))
    return redirect("chat:rooms")


@require_POST
@login_required
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Remove a member. Only the owner may."""
    room = _owned_room(request, slug)
    person = get_object_or_404(room.members, pk=number(request.POST.get("person", "")))
    rooms.leave(room, person)
    messages.success(request, _("You removed %(name)s from the room.") % {"name": person})
    return redirect(room)


def _owned_room(request: HttpRequest, slug: str) -> Room:
    room = membership_of(request, slug).room
    if room.owner_id != person_of(request).pk:
        raise PermissionDenied
    return room


def _invited_to(request: HttpRequest, slug: str) -> Room:
    return get_object_or_404(Room, slug=slug, invitations__person=person_of(request))
