from __future__ import annotations

from django.urls import path

from accounts.throttles import throttled
from showcase.report import views

urlpatterns = [
    path("", throttled("report")(views.report_page), name="report"),
    path("<uuid:pk>/", views.one_report_page, name="report-job"),
    path("<uuid:pk>/report.csv", views.report_file, name="report-file"),
]
