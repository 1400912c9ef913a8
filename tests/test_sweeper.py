"""The chores of each second."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import OperationalError

from notifications_hub import sweeper


def test_a_chore_that_fails_keeps_no_other_from_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sweeper, "_chores", [fail, partial(done.append, "swept")])
    sweeper.sweep()
    assert done == ["swept"]


def test_a_database_that_is_away_is_said_to_whoever_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("away")

    monkeypatch.setattr(sweeper, "_chores", [fail])
    with pytest.raises(OperationalError):
        sweeper.sweep()


def test_a_chore_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(sweeper, "_chores", [])

    def chore() -> None:
        done.append("swept")

    sweeper.every_second(sweeper.every_second(chore))
    sweeper.sweep()
    assert done == ["swept"]
