#!/usr/bin/env python3
"""Look up known vulnerabilities of the locked packages. Arguments are passed on to pip-audit.

Exit with 1 if there is one. If an advisory service does not answer in `SECONDS`, print that, and do not fail.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from environment import ROOT, VENV

SECONDS = 90
PYTHON = (VENV / "bin" / "pip-audit", "-r", ROOT / "requirements-dev.txt", "--disable-pip", "--format=json")
NPM = ("npm", "audit", "--package-lock-only", "--json")


class NoAnswer(Exception):
    """Raised if the service is away, or knows none of the packages."""


def _ask(command: Sequence[object]) -> Any:
    try:
        ended = subprocess.run(
            list(map(str, command)), cwd=ROOT, timeout=SECONDS, capture_output=True, text=True, check=False
        )
        return json.loads(ended.stdout)
    except (subprocess.TimeoutExpired, ValueError, OSError) as error:
        raise NoAnswer from error


def python_findings(arguments: Sequence[str]) -> Iterator[str]:
    packages = _ask([*PYTHON, "--timeout=5", "--progress-spinner=off", *arguments])["dependencies"]
    known = [package for package in packages if "skip_reason" not in package]
    if not known:
        raise NoAnswer
    for package in known:
        for found in package["vulns"]:
            yield f"{package['name']} {package['version']}: {found['id']}, fixed in {found['fix_versions'] or 'none'}"


def npm_findings() -> Iterator[str]:
    answer = _ask(NPM)
    if "vulnerabilities" not in answer:
        raise NoAnswer
    for name, found in answer["vulnerabilities"].items():
        yield f"{name} {found['range']}: {found['severity']}"


def main(arguments: Sequence[str]) -> int:
    found: list[str] = []
    for ecosystem, findings in (("Python", python_findings(arguments)), ("npm", npm_findings())):
        try:
            found += findings
        except NoAnswer:
            print(f"bin/audit.py: no advisories for {ecosystem} packages were available, so these were not checked.")
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
