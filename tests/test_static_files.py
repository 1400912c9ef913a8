"""The static files pass every storage that renames them, and the hub's tags give the names that the storage made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

from tests.support import warm
from tests.support.site import manage, site_environment

COLLECTED = """
import sys
import django
from django.conf import settings
root, storage = sys.argv[1:]
settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=["notifications_hub", "service_worker", "notifications", "django.contrib.admin",
                    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.staticfiles"],
    NOTIFICATIONS_NOTIFICATION_MODEL="notifications_hub.Notification",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    STATIC_URL="/static/",
    STATIC_ROOT=root,
    STORAGES={"staticfiles": {"BACKEND": storage}},
)
django.setup()
from django.core.management import call_command
call_command("collectstatic", interactive=False, verbosity=0)
from notifications_hub.web.bundles import bundle_url
print(bundle_url("hub.js"))
"""
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
OF_MODULES = "tests.test_static_files.OfModules"
ASK = "from django.templatetags.static import static; print(static('site/site.css'))"


class OfModules(ManifestStaticFilesStorage):
    support_js_module_import_aggregation = True


@pytest.mark.parametrize("storage", [MANIFEST, OF_MODULES])
def test_a_storage_that_hashes_names_takes_every_file_of_the_apps(storage: str, tmp_path: Path) -> None:
    url = _run("-c", COLLECTED, str(tmp_path), storage, environment=site_environment()).strip()

    assert re.fullmatch(r"/static/notifications_hub/dist/hub-[0-9A-Z]{8}\.[0-9a-f]{12}\.js", url)
    assert (tmp_path / url.removeprefix("/static/")).is_file()
    if storage == OF_MODULES:
        _assert_imports_are_hashed(tmp_path)


def _assert_imports_are_hashed(tmp_path: Path) -> None:
    [index] = (tmp_path / "notifications_hub").glob("index.*.js")
    imported = re.findall(r'^import ?"(.+)";$', index.read_text(), re.MULTILINE)
    assert len(imported) == 3
    for name in imported:
        assert re.search(r"\.[0-9a-f]{12}\.js$", name)
        assert (index.parent / name).is_file()


def test_the_site_names_the_remedy_while_nothing_is_collected(tmp_path: Path) -> None:
    environment = _production(tmp_path)
    printed = _run("manage.py", "shell", "-c", ASK, environment=environment, fails=True)

    assert "Run: manage.py collectstatic --noinput" in printed
    manage("collectstatic", "--noinput", environment=environment)
    url = _run("manage.py", "shell", "-v0", "-c", ASK, environment=environment)
    assert re.search(r"/static/site/site\.[0-9a-f]{12}\.css", url)


def _production(folder: Path) -> dict[str, str]:
    settings = f'{{"STATIC_ROOT": "{folder}"}}'
    return site_environment(
        DEBUG="0",
        SECRET_KEY="k" * 50,
        ALLOWED_HOSTS="hub.example",
        TEST_SETTINGS=settings,
        DATABASE_URL="sqlite://:memory:",
    )


def _run(*arguments: str, environment: dict[str, str], fails: bool = False) -> str:
    run = warm.run(arguments, environment=environment)
    assert (run.returncode != 0) == fails, f"{run.stdout}\n{run.stderr}"
    return run.stdout + (run.stderr if fails else "")
