"""Where things are on this site. Handed to the scripts by the page, so a host may put them where it likes."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse

from notifications_hub.users import Person, pseudonym_of


def api() -> str:
    return reverse("notifications_hub_api:api-root")


def push_key() -> str:
    return reverse("notifications_hub_api:push_key")


def push_renew() -> str:
    return reverse("notifications_hub_api:push_renew")


def live() -> str:
    """The prefix that the ways to connect share."""
    return reverse("notifications_hub:live_ws").removesuffix("ws/")


def live_url(person: Person) -> str:
    """The same for scripts of a page's own: it says whose page it is.

    So whoever signs in later in the same browser is sent none of what that page asks for.
    """
    return f"{live()}?person={pseudonym_of(person.pk)}"


def service_worker() -> str:
    """Empty for a site that has a worker of its own."""
    return _if_mounted("service_worker:worker")


def sign_out() -> str:
    """Where Django's own form signs out; empty for a site that does it in another way."""
    return _if_mounted("logout")


def _if_mounted(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
