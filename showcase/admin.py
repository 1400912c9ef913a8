from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from showcase.models import Membership, Message, Post, Reply, Room

if TYPE_CHECKING:
    PostModelAdmin = admin.ModelAdmin[Post]
    ReplyModelAdmin = admin.ModelAdmin[Reply]
    RoomModelAdmin = admin.ModelAdmin[Room]
    MessageModelAdmin = admin.ModelAdmin[Message]
    ReplyInline = admin.StackedInline[Reply, Post]
    MembershipInline = admin.StackedInline[Membership, Room]
else:
    PostModelAdmin = ReplyModelAdmin = RoomModelAdmin = MessageModelAdmin = admin.ModelAdmin
    ReplyInline = MembershipInline = admin.StackedInline


class RepliesInline(ReplyInline):
    model = Reply
    extra = 0
    raw_id_fields = ("author",)
    readonly_fields = ("created",)


@admin.register(Post)
class PostAdmin(PostModelAdmin):
    list_display = ("title", "author", "created")
    list_select_related = ("author",)
    search_fields = ("title", "body", "author__username")
    date_hierarchy = "created"
    raw_id_fields = ("author",)
    readonly_fields = ("created",)
    inlines = (RepliesInline,)


@admin.register(Reply)
class ReplyAdmin(ReplyModelAdmin):
    list_display = ("__str__", "post", "author", "created")
    list_select_related = ("post", "author")
    search_fields = ("body", "author__username", "post__title")
    raw_id_fields = ("post", "author")
    readonly_fields = ("created",)


class MembershipsInline(MembershipInline):
    model = Membership
    extra = 0
    raw_id_fields = ("person",)
    readonly_fields = ("read_through", "joined")


@admin.register(Room)
class RoomAdmin(RoomModelAdmin):
    list_display = ("name", "slug", "is_open", "owner", "created")
    list_select_related = ("owner",)
    search_fields = ("name", "slug")
    raw_id_fields = ("owner",)
    readonly_fields = ("created",)
    inlines = (MembershipsInline,)


@admin.register(Message)
class MessageAdmin(MessageModelAdmin):
    list_display = ("__str__", "room", "author", "created")
    list_select_related = ("room", "author")
    search_fields = ("body", "author__username", "room__name")
    raw_id_fields = ("room", "author")
    readonly_fields = ("created",)
