"""A host imports from `notifications_hub` alone, and so does everything here that shows a host how."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import notifications_hub
from notifications_hub import testing
from tests.support.processes import ROOT

TESTING = "notifications_hub.testing"
HOSTS = ("accounts", "config", "docs", "service_worker", "showcase")
BEFORE_SETUP = (
    "Action",
    "DeliveryMethod",
    "Digest",
    "Kind",
    "Privacy",
    "Urgency",
    "checked_application",
    "client_ip",
    "is_blank",
    "is_storable",
    "isolated",
    "live_application",
    "validate_visible",
)
"""Public names that `settings.py`, `asgi.py`, `wsgi.py` and `models.py` import before Django is set up."""


def pages() -> list[Path]:
    folders = [path for name in HOSTS for path in (ROOT / name).rglob("*") if path.suffix in {".md", ".py"}]
    return sorted([ROOT / "README.md", *folders])


def blocks(page: Path) -> list[str]:
    text = page.read_text()
    return [text] if page.suffix == ".py" else re.findall(r"```python\n(.+?)```", text, re.DOTALL)


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module in ("notifications_hub", TESTING):
            yield from (f"{node.module}:{name.name}" for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_imports_only_public_names(page: Path) -> None:
    for target in (name for block in blocks(page) for name in imported(block)):
        module, _, name = target.partition(":")
        is_private = module.startswith("notifications_hub.") and module != TESTING
        assert not is_private, f"{target} is private: import from notifications_hub"
        public = testing.__all__ if module == TESTING else notifications_hub.__all__
        assert not name or name in public, f"{name} is not public"


def test_the_public_names_are_sorted_and_all_have_a_home() -> None:
    assert notifications_hub.__all__ == sorted(notifications_hub.__all__)
    assert set(notifications_hub._HOMES) == set(notifications_hub.__all__)


def test_no_public_name_hides_a_module() -> None:
    """An imported submodule becomes an attribute of the package, and would take the place of the name."""
    modules = {module.name for module in pkgutil.iter_modules(notifications_hub.__path__)}
    assert modules.isdisjoint(notifications_hub.__all__)


@pytest.mark.parametrize("name", notifications_hub.__all__)
def test_a_public_name_can_be_imported_and_has_a_docstring(name: str) -> None:
    value = getattr(notifications_hub, name)
    text = value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__
    assert text, f"{name} has no docstring"
    # Django and dataclasses write a signature where a class has no docstring.
    assert not text.startswith(f"{name}("), f"{name} has no docstring of its own"


@pytest.mark.parametrize("name", notifications_hub.__all__)
def test_a_public_name_is_where_its_home_defines_it(name: str) -> None:
    home = importlib.import_module(notifications_hub._HOMES[name])
    assert getattr(home, name) is getattr(notifications_hub, name)


def test_names_without_models_can_be_imported_before_django_is_set_up() -> None:
    command = [sys.executable, "-c", f"from notifications_hub import {', '.join(BEFORE_SETUP)}"]
    subprocess.run(command, cwd=ROOT, check=True, env={"PYTHONPATH": str(ROOT)})


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = notifications_hub.no_such_name
