"""The tests of django-notifications-community pass on the hub's model, but for those that the guide lists.

bin/test runs them on SQLite, and `make exhaustive` on both databases. The hub's own tests run the same queries on both.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path

import django
import pytest

from tests.package_import.package_suite import GUIDE
from tests.support import warm
from tests.support.databases import Databases
from tests.support.full import FULL
from tests.support.processes import ROOT
from tests.support.site import site_environment

pytestmark = [pytest.mark.exhaustive, *([pytest.mark.both_databases] if FULL else [])]

VERSION = version("django-notifications-community")
LIST = re.compile(r"^Of the package's own (\d+) tests \(([\d.]+)\), (\d+) pass.+?(?=^```)", re.DOTALL | re.MULTILINE)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The package with its tests, which its wheel leaves out."""
    archive = Path(sys.prefix, "sdists", f"django_notifications_community-{VERSION}.tar.gz")
    if not archive.exists():
        pytest.fail(f"{archive} is missing; bin/tools downloads it", pytrace=False)
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path, "--strip-components=1"], check=True)
    return tmp_path


def test_the_packages_own_tests_pass_but_for_those_in_the_guide(sources: Path, databases: Databases) -> None:
    environment = site_environment(DATABASE_URL=databases.copy()) | {"PYTHONPATH": f"{sources}:{ROOT}"}
    run = warm.run(["-m", "tests.package_import.package_suite"], environment=environment)
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout.splitlines()[-1])

    stated = LIST.search(GUIDE.read_text())
    assert stated is not None
    passed = result["run"] - len(result["failed"]) - len(result["skipped"])
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|$", stated[0], re.MULTILINE)
    is_newest = django.VERSION >= (6, 1)
    listed = [names for names, reason in rows if is_newest or "only on Django 6.1" not in reason]
    patterns = [name for names in listed for name in re.findall("`(.+?)`", names)]
    only_on_newest = sum("only on Django 6.1" in reason for _names, reason in rows) if is_newest else 0
    assert stated.groups() == (str(result["run"]), VERSION, str(passed + only_on_newest)), run.stderr
    unlisted = [name for name in result["failed"] if not any(fnmatchcase(name, pattern) for pattern in patterns)]
    assert unlisted == [], run.stderr
    assert [one for one in patterns if not any(fnmatchcase(name, one) for name in result["failed"])] == []
