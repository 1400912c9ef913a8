"""A Django shell that answers over its pipes, as used by `Site.python`.

Each line that it reads is a JSON string of code. Each line that it writes is `{"output": …}` or `{"error": …}`.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import sys
import traceback
from typing import Any

import django
from django.db import close_old_connections


def main() -> None:
    # Looking for garbage among what imports make takes a seventh of the start.
    gc.disable()
    django.setup()
    gc.enable()
    names: dict[str, Any] = {}
    for line in sys.stdin:
        # As after a request: reconnect if the database was killed in between.
        close_old_connections()
        sys.__stdout__.write(json.dumps(_answer(json.loads(line), names)) + "\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


def _answer(code: str, names: dict[str, Any]) -> dict[str, str]:
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            exec(code, names)
        _finish_numbering()
    except Exception:  # noqa: BLE001 -- any error is reported to the calling test
        return {"error": traceback.format_exc()}
    return {"output": output.getvalue().rstrip("\n")}


def _finish_numbering() -> None:
    """Number the published events now, because tests expect them in the log after a commit."""
    from notifications_hub.streams.numberer import numberer

    numberer.finish(20)


if __name__ == "__main__":
    main()
