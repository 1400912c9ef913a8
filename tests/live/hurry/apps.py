from __future__ import annotations

import json
import os
from importlib import import_module

from django.apps import AppConfig


class Hurry(AppConfig):
    name = "tests.live.hurry"
    label = "hurry"

    def ready(self) -> None:
        for path, seconds in json.loads(os.environ.get("TEST_HURRY", "{}")).items():
            module, _, name = path.rpartition(".")
            knobs = import_module(f".{module}", "notifications_hub.live")
            assert hasattr(knobs, name), f"{path} is no knob"
            setattr(knobs, name, seconds)
