"""A Kombu transport that keeps its messages in a folder, used by bin/run to run jobs without a broker.

Kombu's filesystem transport writes messages in place, so a worker can read half of one. It also moves a message through
the shared temporary folder of the machine. This transport creates each message atomically, in a private folder.
"""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]
        self._folder = Path(self.data_folder_out)
        for folder in (self._folder, self.control_folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _put(self, queue: str, payload: Any, **options: Any) -> None:  # type: ignore[override]
        file = self._folder / f"{time.time_ns():020}_{uuid.uuid4()}.{queue}.msg"
        draft = file.with_suffix(".draft")
        draft.write_text(dumps(payload))  # type: ignore[no-untyped-call]
        draft.replace(file)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for message in sorted(self._folder.glob(f"*.{queue}.msg")):
            if message.name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = message.with_suffix(".taken")
            # If two workers race for a message, only one rename succeeds.
            with suppress(FileNotFoundError):
                message.rename(taken)
                payload = taken.read_text()
                taken.unlink()
                return loads(payload)  # type: ignore[no-untyped-call]
        raise Empty


class Transport(filesystem.Transport):
    Channel = Channel
