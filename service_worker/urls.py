"""Include at the root: a worker's reach is the folder it is served from.

    path("", include("service_worker.urls"))

A site that has a worker of its own leaves this out and takes over `service_worker/push.js`; see that file.
"""

from __future__ import annotations

from django.urls import path

from service_worker import views

app_name = "service_worker"
urlpatterns = [
    path("sw.js", views.worker, name="worker"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
]
