from django.contrib import admin
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

from example import views

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("rows/", views.rows, name="rows"),
    path("rows/<int:pk>/read/", views.read, name="read"),
    path("rows/<int:pk>/archive/", views.archive, name="archive"),
    path("admin/", admin.site.urls),
    path("", include("notifications_hub.urls")),
    path("", include("service_worker.urls")),
    *staticfiles_urlpatterns(),
]
