from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from accounts.throttles import throttled

_change_password = admin.site.admin_view(admin.site.password_change, cacheable=True)

urlpatterns = [
    path("admin/login/", throttled("sign_in")(admin.site.login)),
    path("admin/password_change/", throttled("password")(_change_password)),
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("", include("showcase.urls")),
    path("", include("notifications_hub.urls")),
    path("", include("service_worker.urls")),
]
