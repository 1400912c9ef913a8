"""A right and nothing else: no table is touched."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notifications_hub", "0005_row_change")]

    operations = [
        migrations.AlterModelOptions(
            name="notification",
            options={
                "ordering": ("-timestamp", "-id"),
                "permissions": [("view_recipient_content", "Can see what people were notified of")],
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
            },
        ),
    ]
