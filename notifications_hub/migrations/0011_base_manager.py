"""Which manager Django itself reads by: a note in the state of models, and no statement."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("notifications_hub", "0010_acknowledged"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="announcement",
            options={
                "base_manager_name": "objects",
                "ordering": ("-starts_at", "-id"),
                "permissions": [("broadcast", "Can announce to people")],
                "verbose_name": "announcement",
                "verbose_name_plural": "announcements",
            },
        ),
        migrations.AlterModelOptions(
            name="announcementtranslation",
            options={
                "base_manager_name": "objects",
                "verbose_name": "translation",
                "verbose_name_plural": "translations",
            },
        ),
        migrations.AlterModelOptions(
            name="delivery",
            options={"base_manager_name": "objects", "verbose_name": "delivery", "verbose_name_plural": "deliveries"},
        ),
        migrations.AlterModelOptions(
            name="event",
            options={"base_manager_name": "objects"},
        ),
        migrations.AlterModelOptions(
            name="job",
            options={"base_manager_name": "objects", "verbose_name": "job", "verbose_name_plural": "jobs"},
        ),
        migrations.AlterModelOptions(
            name="notification",
            options={
                "base_manager_name": "objects",
                "ordering": ("-timestamp", "-id"),
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
            },
        ),
        migrations.AlterModelOptions(
            name="preference",
            options={"base_manager_name": "objects"},
        ),
        migrations.AlterModelOptions(
            name="pushsubscription",
            options={
                "base_manager_name": "objects",
                "ordering": ("-last_used", "-id"),
                "verbose_name": "push subscription",
                "verbose_name_plural": "push subscriptions",
            },
        ),
        migrations.AlterModelOptions(
            name="revocation",
            options={"base_manager_name": "objects"},
        ),
        migrations.AlterModelOptions(
            name="rowchange",
            options={"base_manager_name": "objects"},
        ),
        migrations.AlterModelOptions(
            name="stream",
            options={"base_manager_name": "objects", "verbose_name": "stream", "verbose_name_plural": "streams"},
        ),
        migrations.AlterModelOptions(
            name="toldthrough",
            options={"base_manager_name": "objects"},
        ),
    ]
