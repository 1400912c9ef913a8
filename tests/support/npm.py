"""The npm package as it is published, and the examples beside it, installed from their locks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.support.processes import ROOT, Program, accepts_connections, free_port, tool
from tests.support.site import inherited_environment

sys.path.append(str(ROOT / "bin"))
from environment import install_node_modules

CLIENT = ROOT / "client"
EXAMPLES = ROOT / "examples"


def pack_client(folder: Path) -> None:
    """Build the package with `npm pack`, and put what is in its archive into `client` of the folder."""
    packed = _run("npm", "pack", "--json", "--pack-destination", str(folder), cwd=CLIENT)
    # What the build prints comes first.
    [archive] = json.loads(packed[packed.index("[\n") :])
    with tarfile.open(folder / archive["filename"]) as files:
        files.extractall(folder, filter="data")
    (folder / "package").rename(folder / "client")


def copy_example(name: str, folder: Path) -> Path:
    """Copy an example with its packages to where `pack_client` has put the client. Return its folder."""
    install_node_modules(EXAMPLES / name)
    copied = folder / "examples" / name
    shutil.copytree(EXAMPLES / name, copied, ignore=shutil.ignore_patterns("dist", "db.sqlite3*", "node_modules"))
    # Its link to the client stays relative, so it leads to the packed one.
    shutil.copytree(EXAMPLES / name / "node_modules", copied / "node_modules", symlinks=True)
    return copied


def build_and_serve(example: Path, site_url: str) -> tuple[Program, str]:
    """Build an example with Vite and serve the result, with the hub's addresses at the same origin."""
    vite = [tool("node"), str(example / "node_modules" / "vite" / "bin" / "vite.js")]
    _run(*vite, "build", cwd=example)
    port = free_port()
    command = [*vite, "preview", str(example), "--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    program = Program(
        command, log=example.with_suffix(".log"), environment={**inherited_environment(), "HUB": site_url}
    )
    program.wait_until_ready(lambda: accepts_connections(port))
    return program, f"http://127.0.0.1:{port}"


def _run(*command: str, cwd: Path) -> str:
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    return run.stdout
