"""What binds a browser to its person and to the site it was registered at.

Two columns with a constant default: on PostgreSQL neither rewrites the table, and each locks it for a moment only.
"""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications_hub", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="pushsubscription",
            name="password_stamp",
            field=models.CharField(blank=True, default="", editable=False, max_length=32),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="pushsubscription",
            name="site",
            field=models.CharField(blank=True, default="", editable=False, max_length=200),
            preserve_default=False,
        ),
    ]
