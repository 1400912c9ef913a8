"""The npm package as it is published: what is in it, what it weighs, and where it can be imported."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import notifications_hub
from tests.support.npm import CLIENT
from tests.support.processes import ROOT, tool

MANIFEST: dict[str, Any] = json.loads((CLIENT / "package.json").read_text())
IMPORTED = re.compile(r'from"\./([\w-]+\.js)"')
USE = """
import {
  HubClient,
  type InboxSnapshot,
  InboxStore,
  type Item,
  SignedOutError,
  TooManyRequestsError,
} from "@notifications-hub/client";
import { BareBellElement } from "@notifications-hub/client/elements";

const client = new HubClient({ api: "/api/v1/", topics: ["post.9"] });
const inbox = new InboxStore(client);
const shown: InboxSnapshot = inbox.getSnapshot();
const titles: string[] = shown.items.map((item: Item) => item.title);
const state: "idle" | "connecting" | "live" | "waiting" | "crowded" | "signed-out" | "refused" = inbox.connection;
export async function read(): Promise<number> {
  try {
    const { changed, undo } = await inbox.mark(["1"], "read");
    await undo?.();
    return changed;
  } catch (error) {
    if (error instanceof TooManyRequestsError) return error.retryAfter;
    if (error instanceof SignedOutError) return error.status;
    throw error;
  }
}
// @ts-expect-error -- the address of the API is required
new HubClient({});
// @ts-expect-error -- no such mark
inbox.mark("all", "burn");
// @ts-expect-error -- a snapshot never changes
shown.unread = 3;
export { BareBellElement, state, titles };
"""
ON_A_SERVER = """
import { HubClient, InboxStore } from "@notifications-hub/client";
import * as elements from "@notifications-hub/client/elements";
const inbox = new InboxStore(new HubClient({ api: "/api/v1/" }));
console.log(JSON.stringify([inbox.getServerSnapshot(), inbox.unread, Object.keys(elements).length]));
"""


@pytest.fixture
def user(packed: Path, tmp_path: Path) -> Path:
    """Return the folder of a project that has installed the package."""
    installed = tmp_path / "node_modules" / "@notifications-hub"
    installed.mkdir(parents=True)
    (installed / "client").symlink_to(packed / "client")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


def weight(file: Path) -> int:
    """Return the size in bytes after gzip, with all that the module imports at its start."""
    text = file.read_text()
    return len(gzip.compress(text.encode(), 9)) + sum(weight(file.parent / name) for name in IMPORTED.findall(text))


def test_client_and_store_weigh_at_most_20_kb(packed: Path) -> None:
    assert 10_000 < weight(packed / "client" / "dist" / "index.js") <= 20_000


def test_the_elements_with_their_styles_weigh_at_most_40_kb(packed: Path) -> None:
    assert 20_000 < weight(packed / "client" / "dist" / "elements.js") <= 40_000


def test_the_package_depends_on_nothing_and_contains_only_what_it_exports(packed: Path) -> None:
    assert not {"dependencies", "peerDependencies", "optionalDependencies"} & set(MANIFEST)
    files = {
        path.relative_to(packed / "client").as_posix() for path in (packed / "client").rglob("*") if path.is_file()
    }
    built = {name for name in files if re.fullmatch(r"dist/(index|elements|shared-\w+)\.js", name)}
    types = {name for name in files if re.fullmatch(r"dist/types/[\w/-]+\.d\.ts", name)}
    assert files - built - types == {"package.json", "README.md", "LICENSE"}
    assert len(built) == 3
    exported = re.findall(r'"(\./[^"]+)"', json.dumps([*MANIFEST["exports"].values(), MANIFEST["types"]]))
    assert {path.removeprefix("./") for path in exported} <= files
    assert set(MANIFEST["sideEffects"]) == {"./dist/elements.js"}


def test_no_type_of_the_package_leads_outside_it(packed: Path) -> None:
    types = packed / "client" / "dist" / "types"
    for file in types.rglob("*.d.ts"):
        for target in re.findall(r"""(?:from |import\()["']([^"']+)["']""", file.read_text()):
            assert (file.parent / target).with_suffix(".d.ts").is_file(), f"{file.name}: {target}"


def test_its_version_is_that_of_the_python_package() -> None:
    assert MANIFEST["version"] == re.sub(r"\.dev(\d+)$", r"-dev.\1", notifications_hub.__version__)


@pytest.mark.parametrize(("module", "resolution"), [("NodeNext", "NodeNext"), ("ESNext", "Bundler")])
def test_its_types_hold_in_a_project_of_typescript(user: Path, module: str, resolution: str) -> None:
    (user / "use.ts").write_text(USE)
    options = ["--strict", "--noEmit", "--target", "ES2023", "--lib", "ES2023,DOM", "--types", ""]
    tsc = str(ROOT / "node_modules" / ".bin" / "tsc")
    command = [tsc, *options, "--module", module, "--moduleResolution", resolution]
    run = subprocess.run([*command, "use.ts"], cwd=user, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_a_server_imports_it_and_renders_an_empty_inbox(user: Path) -> None:
    (user / "server.js").write_text(ON_A_SERVER)
    run = subprocess.run([tool("node"), "server.js"], cwd=user, capture_output=True, text=True, check=True)
    snapshot, unread, exported = json.loads(run.stdout)
    assert (snapshot["items"], snapshot["status"], unread, exported) == ([], "loading", 0, 2)
