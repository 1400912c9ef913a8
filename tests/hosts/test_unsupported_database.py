"""A project on a database that the hub does not support. Real MariaDB behaves the same, up to the refusal."""

from __future__ import annotations

from pathlib import Path

from tests.support.host import Host

MYSQL = 'DATABASES = {"default": {"ENGINE": "tests.support.mysql_engine", "NAME": "host"}}'


def test_it_is_refused_with_the_supported_ones_before_any_table_is_made(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.follow_the_readme()
    host.add("settings.py", MYSQL)
    run = host.try_to_manage("migrate")
    assert run.returncode == 1
    assert "notifications_hub.E013) The database 'default' is MySQL or MariaDB" in run.stderr
    assert "Use PostgreSQL or SQLite" in run.stderr
    assert "Applying" not in run.stdout
