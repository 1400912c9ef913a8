"""A host's own tests: the app `shop/` in a new project, run by pytest and by `manage.py test`, each in a process.

bin/test has those of pytest, and `make exhaustive` both.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.support import warm
from tests.support.host import NOT_OF_A_HOST, Host
from tests.support.processes import ROOT
from tests.support.site import site_environment

SHOP = ROOT / "tests" / "hosts" / "shop"
URLS = """
from shop.views import urlpatterns as of_shop
urlpatterns += of_shop
"""
WITHOUT_PYTEST = """
import sys
sys.modules["pytest"] = sys.modules["pytest_django"] = sys.modules["_pytest"] = None
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""
MESSAGE = """\
charlie was not notified of 'shop.sold'.
Others got:
  alice: shop.sold "bob bought pears" by flash, live"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    host = Host(tmp_path_factory.mktemp("project"))
    host.follow_the_readme()
    host.add_pages()
    host.add("settings.py", 'INSTALLED_APPS += ["shop"]\n')
    host.add("urls.py", URLS)
    shutil.copytree(SHOP, host.folder / "shop", ignore=shutil.ignore_patterns("__pycache__"))
    return host.folder


def run(project: Path, *command: str) -> tuple[int, str]:
    """Run Python in the project. Return the status, and what it wrote."""
    environment = {name: value for name, value in site_environment().items() if not name.startswith("PYTEST_")}
    environment |= {"DJANGO_SETTINGS_MODULE": "host.settings", "PYTHONPATH": f"{project}{os.pathsep}{ROOT}"}
    done = warm.run(command, environment=environment, folder=project)
    return done.returncode, done.stdout + done.stderr


def test_pytest_runs_them_and_wrong_assertions_say_what_happened_instead(project: Path) -> None:
    files = ["shop/pytest_tests.py", "shop/tests.py", "shop/pytest_wrong.py"]
    status, output = run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", *NOT_OF_A_HOST, *files)
    assert status == 1
    assert re.search(r"^1 failed, 2\d passed", output, re.MULTILINE), output
    for line in MESSAGE.splitlines():
        assert re.search(rf"^E +(AssertionError: )?{re.escape(line.strip())}$", output, re.MULTILINE), output
    # It shows the line of the test, and none of the helpers.
    assert re.search(r"^> +notified\.assert_notified\(cast\[2\]", output, re.MULTILINE), output
    assert "testing/captured.py" not in output


@pytest.mark.exhaustive
@pytest.mark.faults
def test_manage_py_test_runs_them_without_pytest(project: Path) -> None:
    status, output = run(project, "-c", WITHOUT_PYTEST, "test", "shop.tests", "shop.wrong")
    assert status == 1
    assert re.search(r"^Ran [12]\d tests", output, re.MULTILINE), output
    # The right ones pass, and after a class that may not use the database the run goes on.
    assert "FAILED (failures=4, errors=1)" in output, output
    assert "DatabaseOperationForbidden" in output
    assert f"AssertionError: {MESSAGE}" in output, output
    assert "to alice left nothing: its transaction was rolled back." in output
    assert output.count("alice was notified, and should not have been.") == 2
    failures = [part for part in output.split("=" * 70) if part.lstrip().startswith("FAIL:")]
    assert [part for part in failures if "notifications_hub/testing" in part] == []
