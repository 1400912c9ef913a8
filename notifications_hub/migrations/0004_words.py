"""Names for the admin alone: no statement is sent to the database."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import notifications_hub.events


class Migration(migrations.Migration):
    dependencies = [
        ("notifications_hub", "0003_job"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="stream",
            options={"verbose_name": "stream", "verbose_name_plural": "streams"},
        ),
        migrations.AlterField(
            model_name="notification",
            name="dedupe_key",
            field=models.CharField(blank=True, max_length=200, null=True, verbose_name="dedupe key"),
        ),
        migrations.AlterField(
            model_name="pushsubscription",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="push_subscriptions",
                to=settings.AUTH_USER_MODEL,
                verbose_name="owner",
            ),
        ),
        migrations.AlterField(
            model_name="stream",
            name="epoch",
            field=models.CharField(
                default=notifications_hub.streams.models.new_epoch, max_length=8, verbose_name="epoch"
            ),
        ),
        migrations.AlterField(
            model_name="stream",
            name="pruned_through",
            field=models.BigIntegerField(default=0, verbose_name="pruned through"),
        ),
        migrations.AlterField(
            model_name="stream",
            name="top",
            field=models.BigIntegerField(default=0, verbose_name="last number"),
        ),
        migrations.AlterField(
            model_name="stream",
            name="topic",
            field=models.CharField(max_length=200, unique=True, verbose_name="topic"),
        ),
    ]
