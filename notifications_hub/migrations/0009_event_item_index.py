"""The index of events by item. On PostgreSQL it is built beside the writers, who go on (`CONCURRENTLY`).

Alone in its migration, since it must not be in a transaction: should it fail half-way, run `migrate` again.
"""

from __future__ import annotations

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class AddIndexBesideWriters(migrations.AddIndex):
    """Django's own `AddIndexConcurrently` needs psycopg, which a site on SQLite does not have."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        # A build that failed leaves an invalid index of that name.
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self.index.name}")
        schema_editor.add_index(model, self.index, concurrently=True)  # type: ignore[call-arg]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notifications_hub", "0008_event_item")]

    operations = [
        AddIndexBesideWriters(
            model_name="event",
            index=models.Index(fields=["topic", "item"], condition=models.Q(item__isnull=False), name="hub_event_item"),
        ),
    ]
