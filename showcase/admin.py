from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from showcase.models import Post, Reply

if TYPE_CHECKING:
    PostModelAdmin = admin.ModelAdmin[Post]
    ReplyModelAdmin = admin.ModelAdmin[Reply]
    ReplyInline = admin.TabularInline[Reply, Post]
else:
    PostModelAdmin = ReplyModelAdmin = admin.ModelAdmin
    ReplyInline = admin.TabularInline


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
