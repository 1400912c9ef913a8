"""The Web Push routes of the API: the site's key, a person's browsers, and reports of service workers.

No response and no log line contains an endpoint or a key: anyone who has them can send to that browser.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core import signing
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from ninja import Router
from ninja.errors import HttpError
from ninja.responses import Status

from notifications_hub.actions.running import ActionProblem, AlreadyDone, run_action
from notifications_hub.actions.statuses import status_of
from notifications_hub.delivery import arming
from notifications_hub.delivery.groups import summed_up_beside
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.preparing import ACT_SALT
from notifications_hub.delivery.shown import mark_shown
from notifications_hub.following.followed import Followed
from notifications_hub.following.follows import unfollow_key
from notifications_hub.inbox import marks, push_trial, queries
from notifications_hub.inbox.marks import Mark
from notifications_hub.inbox.schemas import (
    Act,
    Acted,
    Browsers,
    Key,
    Problem,
    RegisteredBrowser,
    Renewal,
    SubscriptionGiven,
    TestSent,
)
from notifications_hub.inbox.visitor import person_of
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.message import localized_for
from notifications_hub.notification import Notification
from notifications_hub.transports.web_push import session_binding, subscriptions, vapid
from notifications_hub.transports.web_push.subscriptions import PushSubscription

ACT_AGE = timedelta(days=30)
"""A push may wait for its device and then stay on the screen. An older report says nothing new."""

router = Router(tags=["push"])


@router.get(
    "key/",
    response={200: Key, (401, 404, 429): Problem},
    url_name="push_key",
    summary="Get the key that signs this site's pushes",
)
def get_push_key(request: HttpRequest) -> dict[str, str]:
    """Return the public key that a browser subscribes with. 404 on a site that sends no pushes."""
    key = vapid.current_key()
    if key is None:
        raise HttpError(404, _("This site isn't sending push notifications at the moment."))
    return {"key": key.public}


@router.get(
    "subscriptions/",
    response={200: Browsers, (401, 429): Problem},
    url_name="push_subscriptions",
    summary="List the person's browsers",
)
def list_browsers(request: HttpRequest) -> dict[str, Any]:
    """Return the browsers that get pushes, without their endpoints and keys."""
    own = PushSubscription.objects.filter(owner=person_of(request))
    return {"results": [subscription.as_json() for subscription in own]}


@router.post(
    "subscriptions/",
    response={201: RegisteredBrowser, (400, 401, 403, 429): Problem},
    url_name="push_subscriptions",
    summary="Register this browser",
)
def register_browser(request: HttpRequest, given: SubscriptionGiven) -> Status[dict[str, Any]]:
    """Register the result of `PushSubscription.toJSON()`. The same browser keeps its subscription."""
    agent = request.headers.get("User-Agent", "")
    site = request.build_absolute_uri("/")
    try:
        subscription = subscriptions.register(person_of(request), given.dict(), agent, site=site)
    except ValueError as error:
        raise HttpError(400, str(error)) from None
    session_binding.bind(request, subscription)
    return Status(201, _registered(subscription))


@router.delete(
    "subscriptions/{subscription_id}/",
    response={204: None, (401, 403, 404, 429): Problem},
    url_name="push_subscription",
    summary="Remove a browser",
)
def forget_browser(request: HttpRequest, subscription_id: str) -> Status[None]:
    """Send no pushes to this browser any more."""
    if not subscriptions.forget(person_of(request), subscription_id):
        raise Http404
    return Status(204, None)


@router.post(
    "subscriptions/{subscription_id}/test/",
    response={201: TestSent, (401, 403, 404, 429): Problem},
    url_name="push_test",
    summary="Send a test push to a browser",
)
def test_browser(request: HttpRequest, subscription_id: str) -> Status[dict[str, Any]]:
    """Send a test push. `notifications/{item_id}/why/` tells what became of it."""
    return Status(201, {"id": push_trial.test_browser(person_of(request), subscription_id).item_id})


@router.post(
    "renew/",
    response={200: RegisteredBrowser, (400, 429): Problem},
    auth=None,
    url_name="push_renew",
    summary="Renew a browser's subscription",
)
def renew_browser(request: HttpRequest, renewal: Renewal) -> dict[str, Any]:
    """Renew a subscription that the browser changed while no page was open. Called by the service worker.

    A token works once.
    """
    try:
        return _registered(subscriptions.renew(renewal.token, renewal.subscription.dict()))
    except ValueError as error:
        raise HttpError(400, str(error)) from None


def _registered(subscription: PushSubscription) -> dict[str, Any]:
    return {**subscription.as_json(), "token": subscriptions.renewal_token(subscription)}


@router.post(
    "act/",
    response={200: Acted, (400, 401, 403, 404, 409, 422, 429, 500): Problem},
    exclude_unset=True,
    auth=None,
    url_name="push_act",
    summary="Report what happened to a push",
)
def report_push(request: HttpRequest, report: Act) -> dict[str, Any]:
    """Record what happened to a push. Called by the service worker, without a cookie or a CSRF token.

    With `run`, it runs an action of the notification. That needs the session's cookie too: 401 without.

    The token covers one notification, as long as the browser belongs to its person. Return the unread count for the
    app's badge. The receiver of another transport with `confirms` reports in the same way.
    """
    sent, pk = _reported(report.token)
    row = Notification.objects.filter(pk=pk).select_related("recipient", "announcement").first()
    if row is None:
        return {"unread": None}
    delivery = Delivery.objects.filter(pk=sent, notification=row).first()
    if delivery is None or not _may_report(delivery, row):
        raise HttpError(400, _invalid_token())
    delivery.notification = row
    beside = summed_up_beside(delivery)
    # A page may have shown it since it was sent: to a phone that was off, for example.
    mark_shown([delivery])
    arming.mark_delivered([pk, *beside], delivery.transport)
    with localized_for(row.recipient):
        if report.action == "read":
            marks.mark(row.recipient, Mark.READ, [row.item_id], groups=True)
        elif report.action == "acknowledge" and not beside:
            # Nobody confirms what a summary did not show.
            marks.acknowledge(row.recipient, [row.item_id])
        elif report.action == "unfollow" and row.followed:
            unfollow_key(row.recipient, Followed.parse(row.followed))
        elif report.action == "clicked" and not beside:
            # A summary leads to the inbox, and not to what the notification is about.
            Notification.objects.filter(pk=pk).mark_as_clicked()
        result = {"result": _run(request, row, report.name)} if report.action == "run" else {}
    return {"unread": queries.counts(row.recipient).unread, **result}


def _run(request: HttpRequest, row: Notification, name: str) -> dict[str, str]:
    """Run an action for the person who is signed in there. The token alone only says which push was clicked."""
    if request.user.pk != row.recipient_id:
        raise HttpError(401, _("Sign in first."))
    person = person_of(request)
    # A push may still be on a screen after its notification was deleted.
    listed = queries.find(person, row.item_id)
    if listed is None:
        raise HttpError(404, _("This can't be done any more."))
    try:
        return run_action(listed, name, person).as_json()
    except AlreadyDone as done:
        return done.outcome.as_json()
    except ActionProblem as problem:
        raise HttpError(status_of(problem), str(problem)) from None


def _reported(token: str) -> tuple[int, int]:
    """Return the keys of the delivery and of its notification."""
    try:
        sent, notification = signing.loads(token, salt=ACT_SALT, max_age=ACT_AGE)
        return int(sent), int(notification)
    except (signing.BadSignature, TypeError, ValueError):
        raise HttpError(400, _invalid_token()) from None


def _may_report(delivery: Delivery, row: Notification) -> bool:
    is_push = delivery.transport == DeliveryMethod.WEB_PUSH
    return not is_push or session_binding.is_bound(row.recipient, delivery.address)


def _invalid_token() -> str:
    return _("The token is invalid or has expired.")
