"""Partial indexes on SQLite match a query only if both spell a condition alike, which depends on Django's version."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications_hub.database.boolean_sql import boolean_sql, respell_indexes
from notifications_hub.notification import Notification

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL knows that both spellings mean the same"),
]

CREATE = 'CREATE INDEX "hub_announcement_read" ON "notifications_hub_notification" ("announcement_id") WHERE '
COLUMN = '"notifications_hub_notification"."unread"'
SPELLINGS = ('"unread" = 0', 'NOT "unread"')


def migrated() -> list[str]:
    """Run what `migrate` does at its end. Return the statements that change an index."""
    with CaptureQueriesContext(connection) as captured:
        respell_indexes(apps.get_app_config("notifications_hub"), "default")
    return [one["sql"] for one in captured if "INDEX" in one["sql"]]


def test_the_condition_is_spelled_like_the_orms() -> None:
    for value in (True, False):
        with CaptureQueriesContext(connection) as captured:
            list(Notification.objects.filter(unread=value).order_by())
        assert captured[0]["sql"].endswith(f" WHERE {boolean_sql(COLUMN, value)}")


def test_a_new_database_keeps_its_indexes() -> None:
    assert migrated() == []


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_indexes_that_another_django_created_are_created_again(spelled: str) -> None:
    own = boolean_sql('"unread"', False)
    with connection.cursor() as sql:
        sql.execute('DROP INDEX "hub_announcement_read"')
        sql.execute(f'{CREATE}("announcement_id" IS NOT NULL AND {spelled})')
    again = f'{CREATE}("announcement_id" IS NOT NULL AND {own})'

    assert migrated() == ([] if spelled == own else ['DROP INDEX "hub_announcement_read"', again])
    assert migrated() == []
