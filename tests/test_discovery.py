"""The modules that declare kinds, and the setting that names them. `tests/hosts/test_names.py` has whole projects."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from notifications_hub import conf
from notifications_hub.checks import check_settings
from notifications_hub.discovery import check_kinds_module


def test_the_module_is_notifications_unless_the_setting_names_another(settings: Settings) -> None:
    assert conf.kinds_module() == "notifications"
    assert check_kinds_module(None) == []
    settings.NOTIFICATIONS_HUB = {"KINDS_MODULE": "models"}
    assert conf.kinds_module() == "models"
    assert check_kinds_module(None) == []


@pytest.mark.parametrize("name", ["kind", "hub.kinds", ""])
def test_a_module_that_no_app_has_is_a_warning(settings: Settings, name: str) -> None:
    settings.NOTIFICATIONS_HUB = {"KINDS_MODULE": name}
    [warning] = check_kinds_module(None)
    assert (warning.id, warning.is_serious()) == ("notifications_hub.W042", False)
    assert repr(name) in warning.msg


@pytest.mark.parametrize("name", [None, 5, ["kinds"]])
def test_a_value_that_is_no_name_is_an_error_and_the_default_is_used(settings: Settings, name: Any) -> None:
    settings.NOTIFICATIONS_HUB = {"KINDS_MODULE": name}
    assert conf.kinds_module() == "notifications"
    assert [message.id for message in check_settings(None)] == ["notifications_hub.E002"]
