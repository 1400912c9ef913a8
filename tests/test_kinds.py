"""Kinds of notification, as apps declare them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from notifications_hub import kinds
from notifications_hub.kinds import DeliveryMethod, Kind, UnknownKind, all_kinds, get_kind, kind_of


@pytest.fixture(autouse=True)
def _declared_here_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))


def columns_of_a_row(**columns: Any) -> Any:
    names = {"actor_name": "Bob", "target_name": "Hello", "action_object_name": ""}
    return SimpleNamespace(**{**names, "verb": "replied", "description": None, **columns})


def test_declaring_a_kind_with_a_name_registers_it() -> None:
    class Greeting(Kind):
        name = "tests.greeting"

    assert isinstance(get_kind("tests.greeting"), Greeting)
    assert get_kind("tests.greeting") in all_kinds()


def test_a_kind_without_a_name_is_only_a_base_class() -> None:
    class Base(Kind):
        pass

    assert not any(isinstance(kind, Base) for kind in all_kinds())


def test_a_name_cannot_be_declared_twice() -> None:
    class Greeting(Kind):
        name = "tests.greeting"

    with pytest.raises(ValueError, match=r"tests\.greeting.*declared twice"):

        class Other(Kind):
            name = "tests.greeting"

    assert isinstance(get_kind("tests.greeting"), Greeting)


def test_classes_of_the_same_name_in_two_modules_are_two_kinds() -> None:
    words = {"name": "tests.namesake", "__qualname__": "Namesake"}
    type("Namesake", (Kind,), {**words, "__module__": "shop.kinds"})
    with pytest.raises(ValueError, match=r"shop\.kinds\.Namesake.*garden\.kinds\.Namesake"):
        type("Namesake", (Kind,), {**words, "__module__": "garden.kinds"})


def test_a_reloaded_module_may_declare_its_kinds_again() -> None:
    for _ in range(2):
        type("Again", (Kind,), {"name": "tests.again", "__qualname__": "Again"})
    assert get_kind("tests.again").name == "tests.again"


def test_the_kinds_of_installed_apps_are_found() -> None:
    assert get_kind("comment.reply").icon == "reply"


def test_an_undeclared_kind_is_rejected() -> None:
    with pytest.raises(UnknownKind, match=r"known: acknowledge.reminder, .*default"):
        get_kind("tests.nothing")


def test_a_stored_kind_without_its_app_renders_like_the_default() -> None:
    assert kind_of("tests.gone") is get_kind("default")


def test_the_default_title_joins_what_the_notification_names() -> None:
    kind = get_kind("default")
    assert kind.title(columns_of_a_row()) == "Bob replied Hello"
    assert kind.title(columns_of_a_row(target_name="")) == "Bob replied"
    assert kind.title(columns_of_a_row(target_name="", action_object_name="I agree")) == "Bob replied I agree"
    assert kind.title(columns_of_a_row(action_object_name="I agree")) == "Bob replied I agree on Hello"
    assert (kind.body(columns_of_a_row()), kind.body(columns_of_a_row(description="I agree."))) == ("", "I agree.")


def test_the_default_delivery_methods_are_all_but_email() -> None:
    assert Kind.methods == {DeliveryMethod.LIVE, DeliveryMethod.FLASH, DeliveryMethod.WEB_PUSH}
