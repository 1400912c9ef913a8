"""What acknowledgements need: when pages could first show a notification, and the number of an announcement's event.

The new columns are constant for the rows that are there, so PostgreSQL rewrites no table; the default in the database
serves processes that still run the code before. The index is of a table of a few thousand rows.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models.functions import Now
from django.utils import timezone


def record_numbers(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Record those of what is running. Zero, which no acknowledgement covers, where the event is gone."""
    events = apps.get_model("notifications_hub", "Event").objects.using(schema_editor.connection.alias)
    announcements = apps.get_model("notifications_hub", "Announcement").objects.using(schema_editor.connection.alias)
    running = announcements.filter(announced_at__isnull=False, withdrawn_at=None, ends_at__gt=datetime.now(UTC))
    for pk, audience in running.values_list("pk", "audience"):
        created = events.filter(topic=audience, kind="announcement.created", data__id=f"a{pk}")
        seq = created.filter(seq__isnull=False).order_by("-seq").values_list("seq", flat=True).first()
        announcements.filter(pk=pk).update(seq=seq or 0)


class Migration(migrations.Migration):
    dependencies = [("notifications_hub", "0009_event_item_index")]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="committed_at",
            field=models.DateTimeField(db_default=Now(), default=timezone.now, editable=False),
        ),
        migrations.AddField(
            model_name="announcement",
            name="seq",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="announcement",
            index=models.Index(fields=["audience", "seq"], name="hub_announcement_seq"),
        ),
        migrations.RunPython(record_numbers, migrations.RunPython.noop),
    ]
