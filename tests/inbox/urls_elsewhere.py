"""The URLs of a host that mounts the hub under its own prefix, and has its own service worker."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("hub/", include("notifications_hub.urls"))]
