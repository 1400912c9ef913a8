from __future__ import annotations

from django.urls import include, path

from showcase import connections, views

urlpatterns = [
    path("", views.front_page, name="front_page"),
    path("posts/<int:pk>/", views.post_page, name="post"),
    path("replies/<int:pk>/", views.change_reply, name="reply"),
    path("showcase/chat/", include("showcase.chat.urls")),
    path("showcase/report/", include("showcase.report.urls")),
    path("showcase/connections/", connections.connections_page, name="connections"),
    path("showcase/connections/send/", connections.send_event, name="connections_send"),
]
