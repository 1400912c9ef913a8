from __future__ import annotations

from django.urls import path

from accounts.throttles import throttled
from showcase.chat import members, room_api, views

app_name = "chat"

urlpatterns = [
    path("", throttled("room")(views.rooms_page), name="rooms"),
    path("<slug:slug>/", views.room_page, name="room"),
    path("<slug:slug>/messages/", room_api.room_messages, name="messages"),
    path("<slug:slug>/read/", room_api.mark_read, name="read"),
    path("<slug:slug>/here/", room_api.people_here, name="here"),
    path("<slug:slug>/join/", throttled("member")(members.join), name="join"),
    path("<slug:slug>/ask/", throttled("member")(members.ask), name="ask"),
    path("<slug:slug>/leave/", members.leave, name="leave"),
    path("<slug:slug>/members/", throttled("member")(members.invite), name="invite"),
    path("<slug:slug>/accept/", members.accept, name="accept"),
    path("<slug:slug>/decline/", members.decline, name="decline"),
    path("<slug:slug>/members/remove/", members.remove, name="remove"),
]
