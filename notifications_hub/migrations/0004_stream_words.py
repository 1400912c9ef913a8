"""Names for the admin alone: no statement is sent to the database."""

from django.db import migrations, models

import notifications_hub.events


class Migration(migrations.Migration):
    dependencies = [
        ("notifications_hub", "0003_job"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="stream",
            options={"verbose_name": "stream", "verbose_name_plural": "streams"},
        ),
        migrations.AlterField(
            model_name="stream",
            name="epoch",
            field=models.CharField(default=notifications_hub.events.new_epoch, max_length=8, verbose_name="epoch"),
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
