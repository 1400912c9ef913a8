"""Imports run one way. This table is the architecture: a module knows its own part, and parts below it.

A line is a layer, the lowest first. What stands on one line does not know each other, so `live` and `transports` never
meet. A package is one part, unless a module of it is listed apart. An import inside a function counts like any other;
one for type checkers alone does not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HUB = "notifications_hub"

LAYERS = [
    ["primary"],
    ["transaction"],
    ["people"],
    [
        *("admin_guards", "client_ip", "connections", "cursor", "deletions", "kinds", "paths", "text"),
        "announcements.markdown",
    ],
    ["conf", "database_cache", "demo", "events", "reasons", "rendering", "throttle"],
    ["numbering"],
    ["streams"],
    ["message", "audiences", "sweeper"],
    ["changes", "announcements.models", "rows"],
    ["notification"],
    ["delivery", "removal"],
    ["arguments", "claiming", "transports", "live", "nudge"],
    ["dispatch", "sending", "startup"],
    ["worker"],
    ["notify", "trail"],
    ["announcements", "jobs"],
    ["flash", "inbox"],
    ["jobs.bar", "live_lists"],
    ["jobs.api", "jobs.views"],
    # What the outside meets: servers, Django, the command line.
    ["serving", "server", "running_server", "checks", "metrics", "retention", "templatetags"],
    ["asgi", "wsgi", "doctor", "health", "admin", "models", "tasks"],
    ["apps", "management", "urls"],
]
LEVEL = {part: level for level, layer in enumerate(LAYERS) for part in layer}


def modules(package: str) -> list[str]:
    files = [path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    return sorted(_name_of(path) for path in files)


def _name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(module: str) -> set[str]:
    path = ROOT.joinpath(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return set(_imported(ast.parse(source.read_text()), module))


def _imported(node: ast.AST, module: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from _imported(ast.Module([other], []), module)
        elif isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{module} has a relative import"
            yield from (_target(child.module or "", name.name) for name in child.names)
        else:
            yield from _imported(child, module)


def _target(package: str, name: str) -> str:
    """`from package import name` is of the module of that name where there is one."""
    path = ROOT.joinpath(*package.split("."), name)
    return f"{package}.{name}" if path.is_dir() or path.with_suffix(".py").is_file() else package


def part_of(module: str) -> str:
    """The longest entry of the table that names the module or a package it is in."""
    names = module.removeprefix(f"{HUB}.").split(".")
    candidates = [".".join(names[:length]) for length in range(len(names), 0, -1)]
    return next((part for part in candidates if part in LEVEL), "")


@pytest.mark.parametrize("module", [module for module in modules(HUB) if module != HUB])
def test_a_module_imports_only_from_below(module: str) -> None:
    part = part_of(module)
    assert part, f"{module} is not in the table: which layer is it?"
    for target in sorted(imports_of(module)):
        below = part_of(target)
        if target.startswith(f"{HUB}.") and below != part:
            assert LEVEL[below] < LEVEL[part], f"{module} imports {target}, which is not below it"


@pytest.mark.parametrize("package", [HUB, "service_worker"])
@pytest.mark.parametrize("stranger", ["accounts", "showcase", "config", "tests"])
def test_what_is_reusable_knows_nothing_of_this_site(package: str, stranger: str) -> None:
    for module in modules(package):
        known = [target for target in imports_of(module) if target.split(".")[0] == stranger]
        assert known == [], module


@pytest.mark.parametrize("module", modules(HUB))
def test_a_module_takes_connections_and_transactions_of_the_hubs_own_database(module: str) -> None:
    if module not in (f"{HUB}.primary", f"{HUB}.transaction"):
        path = ROOT.joinpath(*module.split("."))
        tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
        froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "django.db"]
        taken = {name.name for node in froms for name in node.names} & {"connection", "transaction"}
        assert not taken, f"import them from {HUB}: django.db's are of `default`, which a host may not have"


def test_the_table_names_only_what_there_is() -> None:
    there = {part_of(module) for module in modules(HUB)}
    assert set(LEVEL) <= there


def test_the_package_itself_imports_nothing_of_its_own() -> None:
    """Its names are found when they are asked for: their modules hold models, and Django may not be set up yet."""
    assert [target for target in imports_of(HUB) if target.startswith(HUB)] == []
