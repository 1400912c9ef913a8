"""Data that was not given is NULL, as django-notifications has it.

On PostgreSQL the constraint is dropped without a look at the rows: the table is locked for a moment only.
"""

import django.core.serializers.json
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications_hub", "0011_base_manager")]

    operations = [
        migrations.AlterField(
            model_name="notification",
            name="data",
            field=models.JSONField(
                blank=True,
                encoder=django.core.serializers.json.DjangoJSONEncoder,
                null=True,
                verbose_name="data",
            ),
        ),
    ]
