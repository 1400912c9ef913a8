"""System checks of declared actions."""

from __future__ import annotations

from typing import Any

import pytest

from notifications_hub import Action, Kind, Sample, kinds
from notifications_hub.actions.checks import check_actions, problems_of


def run(notification: Any, person: Any, word: str) -> None: ...


async def later(*given: Any) -> None: ...


MISTAKES = [
    ([Action("go", "Go", run=run), Action("go", "Go on", url="/")], "E077", "2 actions named 'go'"),
    ([Action("read", "Read", run=run)], "E078", "cannot have this name"),
    ([Action("a/b", "Go", run=run)], "E078", "cannot have this name"),
    ([Action("go", "Go", run=run, url="/")], "E079", "also has a `url`"),
    ([Action("go", "Go", run=run, style="red")], "E079", "style is 'red'"),
    ([Action("go", "Go", run=run, done="By %(name)s")], "E079", "another placeholder"),
    ([Action("go", "Go", run="approve")], "E079", "no function"),  # type: ignore[arg-type]
    ([Action("go", "Go", run=run, allowed=True)], "E079", "`allowed` is no function"),  # type: ignore[arg-type]
    ([Action("go", "Go", run=later)], "E079", "`run` is asynchronous"),  # type: ignore[arg-type]
    ([Action("go", "Go", run=run, allowed=later)], "E079", "`allowed` is asynchronous"),  # type: ignore[arg-type]
    ([Action("go", "Go", run=run, asks="Why?", word_length=0)], "E079", "`word_length` is 0"),
]


@pytest.mark.parametrize(("actions", "code", "fault"), MISTAKES)
def test_a_mistake_is_an_error_with_a_remedy(actions: list[Action], code: str, fault: str) -> None:
    class Checked(Kind):
        name = "tests.actions_checked"
        sample = Sample()

    Checked.actions = lambda self, notification: actions  # type: ignore[method-assign]
    try:
        [error] = problems_of(kinds.get_kind("tests.actions_checked"))
    finally:
        del kinds._kinds["tests.actions_checked"]
    assert error.id == f"notifications_hub.{code}"
    assert fault in error.msg
    assert error.hint


def test_the_actions_of_the_site_have_no_mistakes() -> None:
    assert check_actions(None) == []


def test_a_name_and_a_title_may_be_given_in_either_way() -> None:
    assert Action("map", "Map", url="/map/") == Action(name="map", title="Map", url="/map/")
