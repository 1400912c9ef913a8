"""The scripts' imports run one way too: `LAYERS` lists the folders of `static/notifications_hub`, the lowest first.

The folders of one line do not import each other. An import for types alone (JSDoc's `@import`) counts like any other.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "notifications_hub" / "static" / "notifications_hub"
PUBLIC = {"client.js", "dist/client.js", "dist/elements.js", "index.js"}
BUILT = SCRIPTS / "dist"
LAYERS = [
    ["protocol", "shared"],
    ["connections", "jobs", "preferences", "rows"],
    ["client"],
    ["inbox", "tabs"],
    ["attention", "banners", "push", "toasts"],
    ["gallery"],
    ["admin", "client.js", "elements"],
    ["index.js", "package"],
]
LEVEL = {folder: level for level, layer in enumerate(LAYERS) for folder in layer}
RUNTIME_IMPORT = re.compile(r'^(?:import |export |\} from )[^"]*"(\.[^"]+)";$', re.MULTILINE)
TYPE_IMPORT = re.compile(r'(?:@import .+? from |import\()"(\.[^"]+)"')
HUB_SCRIPT = re.compile(r"""notifications_hub/([\w/.-]+\.js)\b""")


def _modules() -> list[Path]:
    return sorted(path for path in SCRIPTS.rglob("*.js") if path.parent != BUILT)


def _folder_of(module: Path) -> str:
    """Return the entry of the table: a folder, or the file's own name at the top."""
    return module.relative_to(SCRIPTS).parts[0]


def _targets(module: Path, *patterns: re.Pattern[str]) -> set[Path]:
    text = module.read_text()
    return {(module.parent / name).resolve() for pattern in patterns for name in pattern.findall(text)}


def _id(module: Path) -> str:
    return module.relative_to(SCRIPTS).as_posix()


@pytest.mark.parametrize("module", _modules(), ids=_id)
def test_a_script_imports_only_from_folders_below(module: Path) -> None:
    own = _folder_of(module)
    assert own in LEVEL, f"{own} is not in the table: which layer is it?"
    for target in sorted(_targets(module, RUNTIME_IMPORT, TYPE_IMPORT)):
        assert target.is_file(), f"{target} does not exist"
        other = _folder_of(target)
        if other != own:
            assert LEVEL[other] < LEVEL[own], f"{_id(module)} imports {_id(target)}, which is not below it"


def test_scripts_do_not_import_each_other_in_a_circle() -> None:
    imports = {module: _targets(module, RUNTIME_IMPORT) for module in _modules()}
    while leaves := {module for module, targets in imports.items() if not targets}:
        imports = {module: targets - leaves for module, targets in imports.items() if module not in leaves}
    assert not imports, sorted(map(_id, imports))


def test_the_table_lists_only_existing_folders() -> None:
    assert set(LEVEL) == {_folder_of(module) for module in _modules()}


def test_the_site_and_the_docs_use_only_public_scripts() -> None:
    files = [
        path
        for folder, endings in [("showcase", (".js", ".html")), ("static", (".js",)), ("docs", (".md",))]
        for path in (ROOT / folder).rglob("*")
        if path.suffix in endings
    ]
    files.append(ROOT / "README.md")
    private = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in HUB_SCRIPT.findall(path.read_text())
        if name not in PUBLIC
    ]
    assert private == []
