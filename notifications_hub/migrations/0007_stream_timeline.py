"""A column without a default: PostgreSQL adds it at once, whatever the size of the table."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications_hub", "0006_revocation_renew")]

    operations = [
        migrations.AddField(model_name="stream", name="timeline", field=models.IntegerField(editable=False, null=True)),
    ]
