"""A new table, so nothing that is in use is locked; its keys need a moment of the users' table's lock, not its rows."""

import uuid

import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications_hub", "0002_push_subscription_binding"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("audience", models.CharField(blank=True, max_length=200, verbose_name="also seen by")),
                ("place", models.PositiveIntegerField(default=0, help_text="Among the parts of its parent.")),
                ("title", models.CharField(max_length=255, verbose_name="title")),
                ("url", models.CharField(blank=True, max_length=2000, verbose_name="link")),
                ("task", models.CharField(blank=True, max_length=255, verbose_name="task")),
                ("arguments", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("options", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "waiting"),
                            ("running", "running"),
                            ("retrying", "waiting for another try"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("error", "an error"),
                            ("lost", "its worker was stopped"),
                            ("late", "it took too long"),
                            ("parts", "a part of it failed"),
                        ],
                        max_length=10,
                        verbose_name="reason",
                    ),
                ),
                ("done", models.FloatField(default=0, verbose_name="done")),
                ("total", models.FloatField(default=0, help_text="0: nobody knows.", verbose_name="of")),
                ("text", models.CharField(blank=True, max_length=255, verbose_name="text")),
                ("download", models.CharField(blank=True, max_length=2000, verbose_name="result")),
                ("value", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                ("version", models.PositiveIntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True, verbose_name="due")),
                ("claim", models.UUIDField(editable=False, null=True)),
                ("cancel_asked", models.BooleanField(default=False, verbose_name="asked to stop")),
                ("sends", models.PositiveSmallIntegerField(default=0, verbose_name="messages")),
                ("starts", models.PositiveSmallIntegerField(default=0, verbose_name="starts")),
                ("retries", models.PositiveSmallIntegerField(default=0, verbose_name="retries")),
                ("restarts", models.PositiveSmallIntegerField(default=0)),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="started")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="notifications_hub.job",
                    ),
                ),
            ],
            options={
                "verbose_name": "job",
                "verbose_name_plural": "jobs",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running", "retrying"])),
                        fields=["due_at"],
                        name="hub_job_due",
                    ),
                    models.Index(fields=["owner", "-created"], name="hub_job_of_owner"),
                    models.Index(
                        condition=models.Q(("ended_at__isnull", False)), fields=["ended_at"], name="hub_job_ended"
                    ),
                ],
            },
        ),
    ]
