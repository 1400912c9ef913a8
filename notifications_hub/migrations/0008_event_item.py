"""Which item an event is about, and which it erases. Two nullable columns: neither database rewrites the table."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications_hub", "0007_stream_timeline")]

    operations = [
        migrations.AddField(model_name="event", name="item", field=models.TextField(null=True)),
        migrations.AddField(model_name="event", name="erases", field=models.JSONField(null=True)),
    ]
