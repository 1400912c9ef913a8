"""System checks of a host's `NotificationExtension`. The models here are installed in no app, so no table has them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from django.db import models
from django.db.models.functions import Now
from django.test.utils import isolate_apps
from pytest_django import Settings

from notifications_hub import NotificationExtension, notify_arguments
from notifications_hub.extension_checks import check_extensions, check_scope, problems_of

LABEL = "board"


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    with isolate_apps("tests.rows.board"):
        yield


class Base(NotificationExtension):
    class Meta:
        abstract = True
        app_label = LABEL


def ids(*found: type[NotificationExtension]) -> list[str | None]:
    return [problem.id for problem in problems_of(found)]


def test_a_host_without_an_extension_passes() -> None:
    assert [*check_extensions(None), *check_scope(None)] == []


def test_plain_columns_pass() -> None:
    class Plain(Base):
        payload = ("category",)
        scope_by = "tenant"
        read_with = ("tenant",)
        tenant = models.ForeignKey("auth.Group", models.CASCADE, null=True)
        category = models.CharField(max_length=10)

    assert ids(Plain) == []


def test_a_second_extension_is_an_error_that_names_both() -> None:
    class First(Base):
        pass

    class Second(Base):
        pass

    [problem] = problems_of([First, Second])
    assert problem.id == "notifications_hub.E021"
    assert "board.First, board.Second" in problem.msg


def test_a_field_must_not_have_the_name_of_an_argument() -> None:
    class Clashing(Base):
        target = models.ForeignKey("auth.Group", models.CASCADE)
        url = models.TextField()

    assert ids(Clashing) == ["notifications_hub.E022"] * 2


def test_every_keyword_that_is_read_is_reserved() -> None:
    source = inspect.getsource(notify_arguments.draft_of)
    read = {text.split('"')[1] for text in source.split("given.pop(")[1:] if text.startswith('"')}
    assert len(read) > 8
    assert read <= notify_arguments.ARGUMENTS


def test_a_field_that_notify_send_cannot_write_is_an_error() -> None:
    class Unwritable(Base):
        groups = models.ManyToManyField("auth.Group")
        stamped = models.DateTimeField(db_default=Now())
        doubled = models.GeneratedField(
            expression=models.F("count") * 2, output_field=models.IntegerField(), db_persist=True
        )
        count = models.IntegerField(default=0, db_default=0)

    assert ids(Unwritable) == ["notifications_hub.E022"] * 3


@pytest.mark.parametrize(
    "wrong",
    [{"payload": ("colour",)}, {"scope_by": "tenat"}, {"read_with": ("category",)}, {"payload": ("notification",)}],
)
def test_a_name_of_no_field_is_an_error_that_names_those_there_are(wrong: dict[str, object]) -> None:
    class Naming(Base):
        tenant = models.ForeignKey("auth.Group", models.CASCADE, null=True)
        category = models.CharField(max_length=10)

    for name, value in wrong.items():
        setattr(Naming, name, value)
    [problem] = problems_of([Naming])
    assert problem.id == "notifications_hub.E023"
    assert "tenant" in str(problem.hint)


def test_a_scope_without_a_field_is_an_error(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"INBOX_SCOPE": "tests.test_extension_checks.ids"}
    [problem] = check_scope(None)
    assert problem.id == "notifications_hub.E024"


class Elsewhere:
    def db_for_write(self, model: type[models.Model], **hints: object) -> str | None:
        return "replica" if model._meta.app_label == LABEL else None


def test_another_database_than_that_of_notifications_is_an_error(settings: Settings) -> None:
    class Distant(Base):
        pass

    settings.DATABASE_ROUTERS = [Elsewhere()]
    assert ids(Distant) == ["notifications_hub.E025"]
