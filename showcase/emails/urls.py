from __future__ import annotations

from django.urls import path

from showcase.emails import views

urlpatterns = [
    path("", views.emails_page, name="emails"),
    path("<str:name>/", views.emails_page, name="email"),
    path("<str:name>/html/", views.email_html, name="email_html"),
]
