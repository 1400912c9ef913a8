"""Coming and going: by oneself, by invitation, or sent away by the room's keeper."""

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
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    membership = membership_of(request, slug)
    rooms.leave(membership.room, membership.person)
    messages.success(request, _("You have left “%(room)s”.") % {"room": membership.room})
    return redirect("chat:rooms")


@require_POST
@login_required
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """The keeper invites somebody."""
    room = _kept(request, slug)
    form = MemberForm(request.POST)
    name = form.cleaned_data["username"] if form.is_valid() else ""
    person = User.objects.filter(username=name, is_active=True).first()
    if person is None:
        messages.error(request, _("There is nobody of that name."))
    elif rooms.invite(room, person_of(request), person):
        text = _("%(name)s is invited, and will be in the room after accepting.")
        messages.success(request, text % {"name": person})
    else:
        messages.info(request, _("%(name)s is in the room already.") % {"name": person})
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
    """The keeper sends somebody away."""
    room = _kept(request, slug)
    person = get_object_or_404(room.members, pk=number(request.POST.get("person", "")))
    rooms.leave(room, person)
    messages.success(request, _("%(name)s is no longer in the room.") % {"name": person})
    return redirect(room)


def _kept(request: HttpRequest, slug: str) -> Room:
    room = membership_of(request, slug).room
    if room.keeper_id != person_of(request).pk:
        raise PermissionDenied
    return room


def _invited_to(request: HttpRequest, slug: str) -> Room:
    return get_object_or_404(Room, slug=slug, invitations__person=person_of(request))
