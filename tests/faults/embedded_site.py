"""A site that also notifies from plain threads of its own process, without Celery and Redis.

`python -m tests.faults.embedded_site FOLDER --port N` serves like `hub_serve`. Once FOLDER has `order.json`, threads of
the server carry the order out, and `done.json` appears.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import django
from django.core.management import execute_from_command_line

from tests.faults.ledger import Ledger
from tests.faults.producer import Order, Producer


def main() -> None:
    folder = Path(sys.argv[1])
    django.setup()
    threading.Thread(target=_produce, args=[folder], daemon=True).start()
    execute_from_command_line(["manage.py", "hub_serve", *sys.argv[2:]])


def _produce(folder: Path) -> None:
    while not (folder / "order.json").exists():
        time.sleep(0.05)
    order = Order(**json.loads((folder / "order.json").read_text()))
    producer = Producer(order, Ledger(Path(order.folder)))
    producer.run()
    (folder / "done.json").write_text(json.dumps({"acknowledged": producer.acknowledged, "failed": producer.failed}))


if __name__ == "__main__":
    main()
