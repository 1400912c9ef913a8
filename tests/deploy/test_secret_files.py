"""Values of the site's environment that are in files, as container platforms mount secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.secret_files import Env


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_value_may_be_in_a_file_with_or_without_a_line_break(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    (tmp_path / "url").write_text(f"postgres://hub:secret@database/hub{end}", newline="")
    monkeypatch.setenv("HUB_TEST_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setattr(Env.ENVIRON, "files_cache", {})
    assert Env().db_url("HUB_TEST_URL")["NAME"] == "hub"


def test_a_missing_file_is_an_error_and_not_an_empty_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TEST_KEY_FILE", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError, match="missing"):
        Env().str("HUB_TEST_KEY", default="")


def test_variables_without_a_file_are_read_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TEST_WORDS", "one,two")
    assert Env().list("HUB_TEST_WORDS") == ["one", "two"]
