"""The URLs that pages hand to their scripts, so that a host may mount the apps anywhere."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse

from notifications_hub.users import Person, pseudonym_of


def api() -> str:
    return reverse("notifications_hub_api:api-root")


def push_key() -> str:
    return reverse("notifications_hub_api:push_key")


def push_renew() -> str:
    return reverse("notifications_hub_api:push_renew")


def live() -> str:
    """Return the prefix that all kinds of connection share."""
    return reverse("notifications_hub:live_ws").removesuffix("ws/")


def live_url(person: Person | AnonymousUser) -> str:
    """Return the prefix of the live URLs for a page's own scripts. A parameter identifies the page's person, if any.

    So a page that is still open receives nothing for another person who signs in later in the same browser.
    """
    if not person.is_authenticated:
        return live()
    return f"{live()}?person={pseudonym_of(person.pk)}"


def service_worker() -> str:
    """Return the service worker's URL, or an empty text on a site with its own worker."""
    return _if_mounted("service_worker:worker")


def sign_in() -> str:
    """Return the URL of `LOGIN_URL`, or an empty text on a site without it."""
    try:
        return resolve_url(settings.LOGIN_URL)
    except NoReverseMatch:
        return ""


def sign_out() -> str:
    """Return the URL of Django's own sign-out form, or an empty text on a site without it."""
    return _if_mounted("logout")


def _if_mounted(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
