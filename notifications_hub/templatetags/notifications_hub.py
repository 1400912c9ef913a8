"""Template tags: the bell, live lists, the progress bars of jobs, banners of announcements, and follow buttons.

{% load notifications_hub %}{% notification_bell %}
{% live_list "post.9" comments as live %}<live-list {{ live.attributes }}>…</live-list>
{% task_progress job %}
{% announcement_banners %}
{% follow_button post %}
"""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string

from notifications_hub import live_lists
from notifications_hub.announcements.banners.page import banners_html
from notifications_hub.following.button import button_html
from notifications_hub.inbox.bell import bell_html, bell_of
from notifications_hub.inbox_summary import summary_for
from notifications_hub.jobs.models import Job
from notifications_hub.jobs.progress_tag import bar
from notifications_hub.transports.web_push.vapid import current_key
from notifications_hub.web.nonce import nonce_of

register = template.Library()


@register.simple_tag(takes_context=True)
def notification_bell(
    context: template.Context,
    topics: str = "",
    title_count: bool = False,
    favicon_count: bool = False,
    sound: bool = False,
) -> str:
    """Return the bell with its styles and script. `topics`, separated by spaces, are subscribed besides the inbox.

    `title_count`, `favicon_count` and `sound` are on for everyone who has not chosen otherwise in their browser.
    Anonymous visitors get only a script, which keeps pushes from showing content of the person last signed in.
    """
    request: HttpRequest | None = context.get("request")
    person = getattr(request, "user", None)
    if request is None or person is None:
        return ""
    if not person.is_authenticated:
        nonce = {"nonce": nonce_of(request)}
        return render_to_string("notifications_hub/signed_out.html", nonce) if current_key() else ""
    bell = bell_of(request, summary_for(request))
    return bell_html(
        request, bell, topics.split(), _wanted(title_count=title_count, favicon_count=favicon_count, sound=sound)
    )


def _wanted(**switches: bool) -> list[str]:
    """Return the attributes of the switches that are on."""
    return [name.replace("_", "-") for name, on in switches.items() if on]


@register.simple_tag(takes_context=True)
def live_list(context: template.Context, topic: str, rows: QuerySet[Any], row: str = "") -> live_lists.LiveList:
    """Return the rows and cursor of a list that follows its topic; docs/guides/live-rows.md has the markup."""
    return live_lists.live_list(context["request"], topic, rows, row=row)


@register.simple_tag(takes_context=True)
def task_progress(context: template.Context, job: Job) -> str:
    """Return the progress bar of a job with its styles and script, or nothing if the viewer may not see the job."""
    request: HttpRequest | None = context.get("request")
    return "" if request is None else bar(request, job)


@register.simple_tag(takes_context=True)
def announcement_banners(context: template.Context, visitors: str = "live") -> str:
    """Return the banners of this page, with their styles and script. `visitors` is `live` or `poll`.

    Put it into the base template once, where banners should stand. It also serves visitors who are not signed in.
    """
    request: HttpRequest | None = context.get("request")
    if request is None or getattr(request, "user", None) is None:
        return ""
    return banners_html(request, visitors=visitors)


@register.simple_tag(takes_context=True)
def follow_button(context: template.Context, thing: Model) -> str:
    """Return the button that follows a saved row, with a menu to mute it. Visitors get nothing.

    Neither does a person whom `may_follow` or `visible_to` refuses. The model must be declared `followable`.
    """
    request: HttpRequest | None = context.get("request")
    if request is None or getattr(request, "user", None) is None:
        return ""
    return button_html(request, thing)
