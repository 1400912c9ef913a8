from __future__ import annotations

from django.urls import include, path

from accounts.throttles import throttled
from showcase import connections, views

urlpatterns = [
    path("", throttled("post")(views.front_page), name="front_page"),
    path("posts/<int:pk>/", throttled("reply")(views.post_page), name="post"),
    path("replies/<int:pk>/", throttled("reply")(views.change_reply), name="reply"),
    path("showcase/chat/", include("showcase.chat.urls")),
    path("showcase/emails/", include("showcase.emails.urls")),
    path("showcase/report/", include("showcase.report.urls")),
    path("showcase/connections/", connections.connections_page, name="connections"),
    path("showcase/connections/send/", connections.send_event, name="connections_send"),
]
