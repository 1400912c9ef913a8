"""The URLs of the hub. Include them under any prefix: `path("", include("notifications_hub.urls"))`.

The API and the pages have a namespace each, so this module has no `app_name`.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from notifications_hub.actions import views as actions
from notifications_hub.actions.api import router as actions_router
from notifications_hub.announcements.banners import views as banners
from notifications_hub.announcements.banners.api import router as banners_router
from notifications_hub.catalogue import gallery
from notifications_hub.catalogue import views as catalogue
from notifications_hub.following import link_views as unfollow_links
from notifications_hub.following import views as following
from notifications_hub.following.api import router as following_router
from notifications_hub.inbox import (
    address_views,
    announcement_view,
    device_views,
    digest_views,
    email_views,
    opening,
    preference_views,
    quiet_views,
    unsubscribe_views,
    views,
)
from notifications_hub.inbox.api import api
from notifications_hub.ingest.api import router as ingest_router
from notifications_hub.jobs import views as jobs
from notifications_hub.jobs.api import router as jobs_router
from notifications_hub.live import views as live
from notifications_hub.ops import health

api.add_router("banners/", banners_router)
api.add_router("following/", following_router)
api.add_router("jobs/", jobs_router)
api.add_router("notifications/", actions_router)
api.add_router("notify/", ingest_router)

_pages: list[URLPattern | URLResolver] = [
    path("notifications/", views.inbox, name="inbox"),
    path("notifications/kinds/", catalogue.kinds, name="kinds"),
    path("notifications/gallery/", gallery.gallery, name="gallery"),
    path("notifications/mark/", views.mark, name="mark"),
    path("notifications/preferences/", preference_views.preferences_page, name="preferences"),
    path("notifications/preferences/forget-device/", device_views.forget, name="forget-device"),
    path("notifications/preferences/add-address/", address_views.add, name="add-address"),
    path("notifications/preferences/renew-secret/", address_views.renew, name="renew-secret"),
    path("notifications/preferences/remove-address/", address_views.remove, name="remove-address"),
    path("notifications/preferences/test-address/", address_views.test, name="test-address"),
    path("notifications/preferences/quiet-hours/", quiet_views.hours, name="quiet-hours"),
    path("notifications/preferences/pause/", quiet_views.pause, name="pause"),
    path("notifications/preferences/digests/", digest_views.digests, name="digests"),
    path("jobs/<uuid:pk>/cancel/", jobs.cancel, name="cancel-job"),
    path("notifications/preferences/test-device/", device_views.test, name="test-device"),
    path("notifications/banners/", banners.banners, name="banners"),
    path("notifications/banners/dismiss/", banners.dismiss, name="dismiss-banner"),
    path("notifications/announcements/<int:pk>/", announcement_view.announcement, name="announcement"),
    path("notifications/preferences/resume-email/", email_views.resume, name="resume-email"),
    path("notifications/email-reports/", email_views.report, name="email-reports"),
    path("notifications/unsubscribe/<str:token>/", unsubscribe_views.unsubscribe, name="unsubscribe"),
    path("notifications/following/", following.following, name="following"),
    path("notifications/following/change/", following.change, name="change-following"),
    path("notifications/following/unfollow/<str:token>/", unfollow_links.unfollow, name="unfollow"),
    path("notifications/<str:item_id>/why/", views.why, name="why"),
    path("notifications/<str:item_id>/act/<str:name>/", actions.act, name="act"),
    path("notifications/<str:item_id>/open/", opening.open_link, name="open"),
    path("live/ws/", live.needs_asgi, name="live_ws"),
    path("live/sse/", live.no_stream, name="live_sse"),
    path("live/poll/", live.poll, name="live_poll"),
    path("live/ack/", live.ack, name="live_ack"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.measured, name="metrics"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("", include((_pages, "notifications_hub"))),
]
