"""Icons: every kind's exists, a page has those in use, and a host adds or replaces one."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from pytest_django import Settings

from notifications_hub import kinds
from notifications_hub.icon_checks import check_icons
from notifications_hub.kinds import Kind
from notifications_hub.web.icons import NoIcon, icon_named, own_icons, shapes_of
from tests.support.processes import ROOT


def declare(monkeypatch: pytest.MonkeyPatch, icon: object) -> Kind:
    made: Kind = type("Made", (Kind,), {"name": "made.up", "icon": icon, "__module__": __name__})()
    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, "made.up": made})
    return made


def test_every_declared_kind_has_an_icon_that_exists() -> None:
    assert list(check_icons()) == []


@pytest.mark.parametrize(
    ("icon", "hint"),
    [("hart", "Did you mean 'heart'?"), ("zzz", "Use one of archive, aw"), (None, "such as 'bell'")],
)
def test_an_unknown_icon_fails_the_check_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, icon: object, hint: str
) -> None:
    declare(monkeypatch, icon)
    [fault] = check_icons()
    assert fault.id == "notifications_hub.E093"
    assert "'made.up'" in fault.msg
    assert hint in str(fault.hint)
    if icon == "hart":
        assert "templates folder as notifications_hub/icons/hart.svg" in str(fault.hint)


def test_a_host_adds_and_replaces_icons_by_files(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "notifications_hub" / "icons"
    folder.mkdir(parents=True)
    (folder / "ship.svg").write_text('<?xml version="1.0"?>\n<svg width="24"\n height="24"><path d="M1 2"/></svg>')
    (folder / "heart.svg").write_text("<svg><circle r='3'/></svg>")
    before = icon_named("heart")
    settings.TEMPLATES = copy.deepcopy(settings.TEMPLATES)
    settings.TEMPLATES[0]["DIRS"] = [tmp_path]
    assert icon_named("ship") == '<path d="M1 2"/>'
    assert icon_named("heart") == "<circle r='3'/>" != before


@pytest.mark.parametrize("name", ["", "no-such", "../_row", "Bell", "bell.svg", "<svg>"])
def test_any_other_name_gives_a_bell(name: str) -> None:
    assert shapes_of(name) == icon_named("bell")
    with pytest.raises(NoIcon):
        icon_named(name)


def test_a_page_has_the_icons_of_its_kinds_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, "rocket")
    found = re.findall(r'data-icon="([\w-]+)"', render_to_string("notifications_hub/_icons.html"))
    assert found == sorted({str(kind.icon) for kind in kinds.all_kinds()} | {"bell"})
    assert "rocket" in found
    assert len(found) < len(own_icons()) / 2


def test_the_licence_is_beside_the_icons() -> None:
    folder = ROOT / "notifications_hub" / "templates" / "notifications_hub" / "icons"
    assert "ISC License" in (folder / "LICENSE").read_text()
    assert len(own_icons()) >= 40
