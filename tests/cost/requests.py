"""The requests of every page and API route, by the name of the route.

A test compares the names with the URL patterns and the OpenAPI schema, so a new route needs an entry here.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.test import override_settings
from standardwebhooks import Webhook

from notifications_hub import Action, Kind
from notifications_hub.following.unfollow_links import UnfollowLink
from notifications_hub.notification import Notification
from notifications_hub.transports.email.unsubscribe_links import Subscription
from notifications_hub.transports.web_push import subscriptions
from tests.cost.world import World

Act = Callable[[World], object]

API = "/api/v1/"
_PUBLIC = "93.184.215.14"
REFUSALS = (404, 426, 501)
"""Pushes without a key, and WebSocket and SSE without ASGI."""


def get(path: str, **query: str) -> Act:
    """Request a page as the person. `{…}` in the path and the query are attributes of the world."""

    def act(world: World) -> object:
        answer = world.client.get(
            path.format(world=world), {name: text.format(world=world) for name, text in query.items()}
        )
        assert answer.status_code in (200, *REFUSALS), (path, answer.status_code)
        return answer

    return act


def follow(path: str) -> Act:
    """Open a link as the person, and stop at what it leads to."""

    def act(world: World) -> object:
        answer = world.client.get(path.format(world=world))
        assert answer.status_code == 302
        assert "/login/" not in answer.headers["Location"]
        return answer

    return act


def post(path: str, form: Callable[[World], Mapping[str, Any]]) -> Act:
    def act(world: World) -> object:
        answer = world.client.post(path.format(world=world), form(world))
        assert answer.status_code == 302, (path, answer.status_code)
        return answer

    return act


def send(path: str, body: Callable[[World], Mapping[str, Any]], *, quiet: bool = False, method: str = "post") -> Act:
    def act(world: World) -> object:
        client = world.quiet_client if quiet else world.client
        answer = getattr(client, method)(path.format(world=world), body(world), content_type="application/json")
        assert answer.status_code in (200, 201, 204), (path, answer.status_code, answer.content)
        return answer

    return act


_WANTED = {"recipients": ["person2"], "verb": "was paid", "data": {"number": 12}}


def _notify(path: str, body: Callable[[World], Mapping[str, Any]]) -> Act:
    """Notify a person as a service does."""

    def act(world: World) -> object:
        headers = {"Authorization": f"Bearer {world.service}", "Idempotency-Key": secrets.token_hex(8)}
        answer = world.client.post(path, body(world), content_type="application/json", headers=headers)
        assert answer.status_code == 201, answer.content
        assert '"unknown": []' in answer.content.decode()
        return answer

    return act


def marking(name: str, **more: str) -> Sequence[Act]:
    """Mark twenty of the person with most, and everything of one with few, which costs what it changes."""
    path = f"{API}notifications/{name}/"
    return [
        send(path, lambda world: {"ids": world.ids(20), **more}),
        send(path, lambda _world: {"all": True, **more}, quiet=True),
    ]


def _metrics(world: World) -> object:
    with override_settings(NOTIFICATIONS_HUB={**settings.NOTIFICATIONS_HUB, "METRICS_TOKEN": "secret"}):
        answer = world.client.get("/metrics", headers={"Authorization": "Bearer secret"})
    assert answer.status_code == 200
    return answer


def _kinds(world: World) -> object:
    answer = world.admin.get("/notifications/kinds/")
    assert answer.status_code == 200
    return answer


def _gallery(world: World) -> object:
    answer = world.admin.get("/notifications/gallery/")
    assert answer.status_code == 200
    return answer


EMAIL = "notifications_hub.transports.email.transport.Email"


def _unsubscribe(world: World) -> object:
    with override_settings(NOTIFICATIONS_HUB={**settings.NOTIFICATIONS_HUB, "TRANSPORTS": {"email": EMAIL}}):
        path = Subscription(world.person.pk).path
        pages = [world.client.get(path), world.client.post(path)]
    assert [page.status_code for page in pages] == [200, 200]
    return pages


def _unfollow(world: World) -> object:
    path = UnfollowLink(world.person.pk, world.followed).path
    pages = [world.client.get(path), world.client.post(path), world.client.post(path, {"undo": "1"})]
    assert [page.status_code for page in pages] == [200, 200, 200]
    return pages


def _by_form(action: str) -> Act:
    path = "/notifications/following/change/"
    return post(path, lambda world: {"object": world.followed.reference, "action": action})


def _changing(name: str) -> Act:
    return send(f"{API}following/{name}/", lambda world: {"object": world.followed.reference})


def _email_report(world: World) -> object:
    secret, now = "whsec_c2VjcmV0LW9mLXRoZS1tYWlsLXNlcnZpY2U=", datetime.now(UTC)
    body = json.dumps({"type": "email.bounced", "data": {"to": ["gone@example.com"]}})
    signature = Webhook(secret).sign("1", now, body)
    headers = {"webhook-id": "1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    with override_settings(NOTIFICATIONS_HUB={**settings.NOTIFICATIONS_HUB, "EMAIL_WEBHOOK_SECRET": secret}):
        answer = world.client.post("/notifications/email-reports/", body, "application/json", headers=headers)
    assert answer.status_code == 200
    return answer


def _with_webhooks(request: Act) -> Act:
    transports = {"webhook": "notifications_hub.transports.webhook.transport.Webhook"}

    def act(world: World) -> object:
        with override_settings(NOTIFICATIONS_HUB={**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports}):
            return request(world)

    return act


def _own_address(name: str, form: Callable[[World], Mapping[str, Any]]) -> Act:
    def act(world: World) -> object:
        answer = world.client.post(f"/notifications/preferences/{name}/", form(world))
        assert answer.status_code in (200, 302), (name, answer.status_code)
        return answer

    return _with_webhooks(act)


_OWN = f"{API}own-addresses/{{world.own_address.pk}}/"


class CostRequest(Kind):
    name = "tests.cost_request"

    def actions(self, notification: Any) -> list[Action]:
        return [Action("approve", "Approve", run=lambda notification, person, word: None)]


def _acting(path: str) -> Act:
    """Run an action of a notification that the person shares with a few others."""

    def act(world: World) -> object:
        row = world.row()
        shared = Notification.objects.filter(pk__in=[row.pk, row.pk - 1, row.pk - 2])
        shared.update(kind=CostRequest.name, action_key=f"cost {row.pk}")
        answer = world.client.post(path.format(pk=row.pk), {}, content_type="application/json")
        assert answer.status_code in (200, 302), (path, answer.status_code, answer.content)
        return answer

    return act


PAGES: Mapping[str, Sequence[Act]] = {
    "inbox": [
        get("/notifications/"),
        get("/notifications/", show="unread"),
        get("/notifications/", show="archived"),
        get("/notifications/", show="saved"),
        get("/notifications/", show="snoozed"),
        get("/notifications/", show="unconfirmed"),
        get("/notifications/", before="{world.before}"),
        get("/notifications/", group="default:one"),
        get("/notifications/", after="{world.before}"),
        get("/notifications/", at="{world.size.notifications}"),
        get("/notifications/", q="replied"),
        get("/notifications/", q="nowhere to be found", show="unread"),
        get("/notifications/", tab="Conversations"),
        get("/notifications/", kind="chat.invitation", before="{world.before}"),
        get("/notifications/", kind="chat.invitation", after="{world.before}", show="archived"),
    ],
    "kinds": [_kinds],
    "gallery": [_gallery],
    "mark": [
        post("/notifications/mark/", lambda world: {"action": "read", "ids": world.ids(20)}),
        post("/notifications/mark/", lambda world: {"action": "archive", "ids": world.ids(20)}),
        post("/notifications/mark/", lambda world: {"action": "save", "ids": world.ids(20)}),
        post("/notifications/mark/", lambda world: {"snooze": "monday", "ids": world.ids(20)}),
        post("/notifications/mark/", lambda world: {"undo": world.undo}),
    ],
    "preferences": [
        get("/notifications/preferences/"),
        post(
            "/notifications/preferences/",
            lambda _world: {"shown": "default", "default:live": "on", "whole": "flash:on"},
        ),
    ],
    "forget-device": [post("/notifications/preferences/forget-device/", lambda world: {"id": world.browser.pk})],
    "test-device": [post("/notifications/preferences/test-device/", lambda world: {"id": world.browser.pk})],
    "add-address": [
        _own_address("add-address", lambda _world: {"transport": "webhook", "address": f"https://{_PUBLIC}/"})
    ],
    "renew-secret": [_own_address("renew-secret", lambda world: {"id": world.own_address.pk})],
    "test-address": [_own_address("test-address", lambda world: {"id": world.own_address.pk})],
    "remove-address": [_own_address("remove-address", lambda world: {"id": world.own_address.pk})],
    "resume-email": [post("/notifications/preferences/resume-email/", lambda _world: {})],
    "unsubscribe": [_unsubscribe],
    "email-reports": [_email_report],
    "following": [get("/notifications/following/"), get("/notifications/following/", before="{world.followed_before}")],
    "change-following": [_by_form(action) for action in ("mute-day", "unmute", "unfollow", "follow")],
    "unfollow": [_unfollow],
    "quiet-hours": [
        post(
            "/notifications/preferences/quiet-hours/",
            lambda _world: {"zone": "UTC", "days-0": ["0"], "start-0": "22:00", "end-0": "07:00"},
        )
    ],
    "digests": [post("/notifications/preferences/digests/", lambda _world: {"hour": "9", "day": "1", "zone": "UTC"})],
    "pause": [post("/notifications/preferences/pause/", lambda _world: {"pause": "hour"})],
    "cancel-job": [post("/jobs/{world.job.pk}/cancel/", lambda _world: {})],
    "banners": [get("/notifications/banners/")],
    "dismiss-banner": [post("/notifications/banners/dismiss/", lambda world: {"id": world.banner.item_id})],
    "why": [get("/notifications/{world.size.notifications}/why/"), get("/notifications/a1/why/")],
    "open": [follow("/notifications/{world.size.notifications}/open/"), follow("/notifications/a1/open/")],
    "act": [
        get("/notifications/{world.size.notifications}/act/approve/"),
        _acting("/notifications/{pk}/act/approve/"),
    ],
    "announcement": [get("/notifications/announcements/1/")],
    "live_ws": [get("/live/ws/")],
    "live_sse": [get("/live/sse/")],
    "live_poll": [get("/live/poll/"), get("/live/poll/", cursor="{world.cursor}", visible="1")],
    "live_ack": [send("/live/ack/", lambda world: {"cursor": world.shown, "visible": True})],
    "healthz": [get("/healthz")],
    "readyz": [get("/readyz")],
    "metrics": [_metrics],
}


def _confirm(world: World) -> object:
    """Confirm twenty of the person with most."""
    ids = world.ids(20)
    Notification.objects.filter(pk__in=map(int, ids)).update(must_acknowledge=True, acknowledged_at=None)
    return send(f"{API}notifications/acknowledge/", lambda _world: {"ids": ids})(world)


ROUTES: Mapping[str, Sequence[Act]] = {
    "GET notifications/": [
        get(f"{API}notifications/"),
        get(f"{API}notifications/", unread="true"),
        get(f"{API}notifications/", unconfirmed="true"),
        get(f"{API}notifications/", group="default:one"),
        get(f"{API}notifications/", grouped="false"),
        get(f"{API}notifications/", show="saved"),
        get(f"{API}notifications/", show="snoozed"),
        get(f"{API}notifications/", kind="comment.reply", before="{world.before}"),
        get(f"{API}notifications/", q="nowhere to be found", tab="Conversations"),
        get(f"{API}notifications/", at="{world.size.notifications}", unread="true"),
    ],
    "GET notifications/tabs/": [get(f"{API}notifications/tabs/")],
    "GET notifications/count/": [get(f"{API}notifications/count/")],
    "GET bell/": [get(f"{API}bell/"), get(f"{API}bell/", html="true", lang="zh-hans")],
    "POST notifications/read/": marking("read"),
    "POST notifications/unread/": marking("unread"),
    "POST notifications/seen/": marking("seen"),
    "POST notifications/shown/": [send(f"{API}notifications/shown/", lambda world: {"ids": world.ids(20)})],
    "POST notifications/archive/": marking("archive"),
    "POST notifications/unarchive/": marking("unarchive"),
    "POST notifications/save/": marking("save"),
    "POST notifications/unsave/": marking("unsave"),
    "POST notifications/snooze/": marking("snooze", until="monday"),
    "GET notifications/snooze/": [get(f"{API}notifications/snooze/")],
    "POST notifications/acknowledge/": [_confirm],
    "POST notifications/undo/": [send(f"{API}notifications/undo/", lambda world: {"undo": world.undo})],
    "GET following/": [get(f"{API}following/"), get(f"{API}following/", before="{world.followed_before}")],
    "GET following/one/": [get(f"{API}following/one/", object="{world.followed.reference}")],
    "POST following/follow/": [_changing("follow")],
    "POST following/unfollow/": [_changing("unfollow")],
    "POST following/mute/": [_changing("mute")],
    "POST following/unmute/": [_changing("unmute")],
    "POST notifications/{item_id}/actions/{name}/": [_acting(f"{API}notifications/{{pk}}/actions/approve/")],
    "GET push/key/": [get(f"{API}push/key/")],
    "GET quiet-hours/": [get(f"{API}quiet-hours/")],
    "PUT quiet-hours/": [send(f"{API}quiet-hours/", lambda _world: {"zone": "UTC", "windows": []}, method="put")],
    "GET digests/": [get(f"{API}digests/")],
    "PATCH digests/": [send(f"{API}digests/", lambda _world: {"hour": 9}, method="patch")],
    "POST quiet-hours/pause/": [send(f"{API}quiet-hours/pause/", lambda _world: {"until": None})],
    "GET preferences/": [get(f"{API}preferences/")],
    "PATCH preferences/": [
        send(f"{API}preferences/", lambda _world: {"all": {"live": False}}, method="patch"),
        send(f"{API}preferences/", lambda _world: {"kinds": {"comment.reply": {"reset": True}}}, method="patch"),
    ],
    "GET push/subscriptions/": [get(f"{API}push/subscriptions/")],
    # These two look up the endpoint's addresses, which a test must not.
    "POST push/subscriptions/": [
        lambda world: subscriptions.register(world.person, world.subscription(), "Firefox", lookup=_public)
    ],
    "POST push/subscriptions/{subscription_id}/test/": [
        send(f"{API}push/subscriptions/{{world.browser.pk}}/test/", lambda _world: {})
    ],
    "GET own-addresses/": [_with_webhooks(get(f"{API}own-addresses/"))],
    "POST own-addresses/": [
        _with_webhooks(
            send(f"{API}own-addresses/", lambda _world: {"method": "webhook", "address": f"https://{_PUBLIC}/api"})
        )
    ],
    "POST own-addresses/{address_id}/secret/": [_with_webhooks(send(f"{_OWN}secret/", lambda _world: {}))],
    "POST own-addresses/{address_id}/test/": [_with_webhooks(send(f"{_OWN}test/", lambda _world: {}))],
    "DELETE own-addresses/{address_id}/": [_with_webhooks(send(_OWN, lambda _world: {}, method="delete"))],
    "GET banners/": [get(f"{API}banners/")],
    "POST banners/dismiss/": [send(f"{API}banners/dismiss/", lambda world: {"id": world.banner.item_id})],
    "POST preferences/resume-email/": [send(f"{API}preferences/resume-email/", lambda _world: {})],
    "GET notifications/{item_id}/why/": [
        get(f"{API}notifications/{{world.size.notifications}}/why/"),
        get(f"{API}notifications/a1/why/"),
    ],
    "POST push/renew/": [
        lambda world: subscriptions.renew(
            subscriptions.renewal_token(world.browser), world.subscription(), lookup=_public
        )
    ],
    "DELETE push/subscriptions/{subscription_id}/": [
        send(f"{API}push/subscriptions/{{world.browser.pk}}/", lambda _world: {}, method="delete")
    ],
    "POST push/act/": [
        send(f"{API}push/act/", lambda world: {"token": world.act_token, "action": "shown"}),
        send(f"{API}push/act/", lambda world: {"token": world.act_token, "action": "read"}),
    ],
    "POST connection-tokens/": [
        send(f"{API}connection-tokens/", lambda _world: {"topics": ["inbox"]}),
    ],
    "DELETE connection-tokens/{token_id}/": [
        send(f"{API}connection-tokens/0123456789abcdef/", lambda _world: {}, method="delete")
    ],
    "GET jobs/{pk}/": [get(f"{API}jobs/{{world.job.pk}}/")],
    "POST jobs/{pk}/cancel/": [send(f"{API}jobs/{{world.job.pk}}/cancel/", lambda _world: {})],
    "POST notify/": [_notify(f"{API}notify/", lambda _world: _WANTED)],
    "POST notify/batch/": [_notify(f"{API}notify/batch/", lambda _world: {"notifications": [_WANTED] * 3})],
}


def _public(_host: str, _port: int) -> list[str]:
    return [_PUBLIC]
