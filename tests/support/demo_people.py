"""An app that lets a test site without `DEBUG` start with the demo people. Nobody else reaches it."""

from __future__ import annotations

from django.apps import AppConfig


class DemoPeopleWelcome(AppConfig):
    name = "tests.support.demo_people"
    label = "demo_people_welcome"

    def ready(self) -> None:
        from notifications_hub.ops import demo

        demo.refusal = lambda: ""
