from __future__ import annotations

from django.db import migrations, models

WHAT = [("person", "Person"), ("session", "Session"), ("topic", "Topic"), ("check", "Check"), ("renew", "Renew")]


class Migration(migrations.Migration):
    """One more choice, of which the database knows nothing: no statement is run."""

    dependencies = [("notifications_hub", "0005_row_change")]

    operations = [
        migrations.AlterField("revocation", "what", models.CharField(choices=WHAT, max_length=10)),
    ]
