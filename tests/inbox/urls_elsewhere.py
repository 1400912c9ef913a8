"""A host that puts the hub under a prefix of its own, and has a service worker of its own."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("hub/", include("notifications_hub.urls"))]
