"""URLs of the service worker. Include them at the root, because a worker controls only the folder it is served from.

    path("", include("service_worker.urls"))

A site with a service worker of its own imports `service_worker/push.js` there instead; see that file.
"""

from __future__ import annotations

from django.urls import path

from service_worker import views

app_name = "service_worker"
urlpatterns = [
    path("sw.js", views.worker, name="worker"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
]
