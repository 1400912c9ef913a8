"""A right and nothing else: no table is touched."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notifications_hub", "0012_notification_data_may_be_null")]

    operations = [
        migrations.AlterModelOptions(
            name="notification",
            options={
                "base_manager_name": "objects",
                "ordering": ("-timestamp", "-id"),
                "permissions": [("view_recipient_content", "Can see what people were notified of")],
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
            },
        ),
    ]
