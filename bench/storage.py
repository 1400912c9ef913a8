"""A task of `bench.inside`: the disk that rows need, by PostgreSQL's own count."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from notifications.signals import notify

from notifications_hub.delivery.models import Delivery
from notifications_hub.models import Notification
from notifications_hub.streams import Event
from notifications_hub.streams.numberer import numberer

DESCRIPTION = "I agree, and I have added two more figures to the document."
AT_ONCE = 100


def storage(people: int, each: int) -> dict[str, dict[str, float]]:
    """Notify people, and return the bytes of a row and of its indexes, for each table that grows."""
    tables: dict[str, Any] = {"notifications": Notification, "events": Event, "planned pushes": Delivery}
    # It has an address for everybody, as if each person had a browser.
    transports = {"web_push": "notifications_hub.transports.memory.Memory"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports}
    for model in tables.values():
        model.objects.all().delete()
    rows = _people(people)
    for _ in range(each):
        for at in range(0, people, AT_ONCE):
            some = rows[at : at + AT_ONCE]
            notify.send(some[0], recipient=some, verb="replied", description=DESCRIPTION, url="/posts/9/")
    assert numberer.finish(120)
    return {name: _sizes(model) for name, model in tables.items()}


def _people(count: int) -> list[Any]:
    model = get_user_model()
    return list(model.objects.bulk_create([model(username=f"stored{n}", password="!") for n in range(count)]))


def _sizes(model: Any) -> dict[str, float]:
    table, count = model._meta.db_table, model.objects.count()
    with connection.cursor() as sql:
        sql.execute(f"VACUUM FULL {connection.ops.quote_name(table)}")
        sql.execute("SELECT pg_table_size(%s::regclass), pg_indexes_size(%s::regclass)", [table, table])
        of_rows, of_indexes = sql.fetchone()
    return {"count": count, "row": of_rows / count, "indexes": of_indexes / count}
