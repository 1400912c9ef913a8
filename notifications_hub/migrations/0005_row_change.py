"""A new table, empty: nothing is locked. Backwards, triggers that write to it go first, or nobody could write to theirs."""

from __future__ import annotations

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models.functions import Now


def remove_triggers(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION IF EXISTS notifications_hub_note_change() CASCADE")


class Migration(migrations.Migration):
    dependencies = [("notifications_hub", "0004_words")]

    operations = [
        migrations.CreateModel(
            name="RowChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("model", models.CharField(max_length=200)),
                ("old", models.JSONField(null=True)),
                ("new", models.JSONField(null=True)),
                ("created", models.DateTimeField(db_default=Now())),
            ],
        ),
        migrations.RunPython(migrations.RunPython.noop, remove_triggers),
    ]
