"""`hub_import` takes over the table that each release's own migrations made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings
from notifications.models import Notification as PackageNotification

from accounts.models import User
from notifications_hub.checks import check_old_table
from notifications_hub.models import Notification
from notifications_hub.package_import import old_table
from notifications_hub.package_import.models import ImportPosition
from tests.package_import import old

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

AT = datetime(2021, 3, 28, 1, 30, tzinfo=UTC)
RELEASES = {
    "hq 1.6 to 1.8.2": "0008_index_together_recipient_unread",
    "hq 1.8.3": "0009_alter_notification_options_and_more",
    "community": "0013_alter_notification_level",
}


@contextmanager
def table_of(release: str) -> Iterator[None]:
    """Make the table by the package's migrations, as on a site that has no other model."""
    last = ("notifications", RELEASES[release])
    with override_settings(NOTIFICATIONS_NOTIFICATION_MODEL="notifications.Notification"):
        loader = MigrationLoader(connection)
        own = [key for key in loader.graph.forwards_plan(last) if key[0] == "notifications"]
        state = loader.project_state(own[0], at_end=False)
        with connection.schema_editor() as editor:
            for key in own:
                state = loader.graph.nodes[key].apply(state, editor)
        if release.startswith("hq"):
            _make_data_text(state.apps.get_model("notifications", "Notification"))
    try:
        yield
    finally:
        old.execute(f"DROP TABLE IF EXISTS {old_table.TABLE}")


def _make_data_text(model: type[models.Model]) -> None:
    # hq's migrations use the package jsonfield, whose column is text.
    json, text = model._meta.get_field("data"), models.TextField(null=True)
    assert isinstance(json, models.JSONField)
    text.set_attributes_from_name("data")
    with connection.schema_editor() as editor:
        editor.alter_field(model, json, text)


@pytest.mark.parametrize("release", RELEASES)
def test_the_rows_of_each_release_are_taken_over(release: str, alice: User, bob: User) -> None:
    people = ContentType.objects.get_for_model(User)
    with table_of(release):
        old.add([
            PackageNotification(
                recipient=alice, actor_content_type=people, actor_object_id=bob.pk, verb="wrote", level="success",
                unread=False, deleted=True, emailed=True, public=False, timestamp=AT, data={"url": "/posts/9/"},
            ),
            PackageNotification(recipient=bob, actor_content_type=people, actor_object_id=alice.pk, verb="saw"),
        ])  # fmt: skip
        assert old_table.leftover().endswith("Run `manage.py hub_import`.")

        call_command("hub_import", "--drop", stdout=StringIO())

        assert old_table.leftover() == ""
    wrote, saw = Notification.objects.order_by("timestamp")
    assert (wrote.recipient, wrote.actor, wrote.verb, wrote.level) == (alice, bob, "wrote", "success")
    assert (wrote.unread, wrote.deleted, wrote.emailed, wrote.public) == (False, True, True, False)
    assert (wrote.timestamp, wrote.data, wrote.url) == (AT, {"url": "/posts/9/"}, "/posts/9/")
    assert (saw.recipient, saw.unread, saw.deleted, saw.emailed, saw.public) == (bob, True, False, False, True)
    assert saw.data is None


@contextmanager
def before_the_first_migrate() -> Iterator[None]:
    table = ImportPosition._meta.db_table
    old.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        yield
    finally:
        old.execute(f"ALTER TABLE away RENAME TO {table}")


def test_the_first_migrate_warns_of_the_old_table(alice: User) -> None:
    with table_of("community"), before_the_first_migrate():
        old.add([PackageNotification(recipient=alice, actor=alice, verb="wrote")])

        [warning] = check_old_table(None, databases=["default"])

        assert warning.id == "notifications_hub.W005"
        assert warning.msg.endswith("Run `manage.py hub_import`.")
        with pytest.raises(CommandError, match="through id 0, then:"):
            call_command("hub_import", stdout=StringIO())
