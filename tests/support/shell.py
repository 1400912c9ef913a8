"""A Django shell that answers over its pipes: what `Site.python` talks to.

Each line it reads is a JSON string of code; each line it writes is `{"output": …}` or `{"error": …}`.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import traceback
from typing import Any

import django
from django.db import close_old_connections


def main() -> None:
    django.setup()
    names: dict[str, Any] = {}
    for line in sys.stdin:
        # As after a request: a database that was killed since is connected to anew.
        close_old_connections()
        sys.__stdout__.write(json.dumps(_answer(json.loads(line), names)) + "\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


def _answer(code: str, names: dict[str, Any]) -> dict[str, str]:
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            exec(code, names)
        _number_what_was_published()
    except Exception:  # noqa: BLE001  whatever it was, it belongs to the test that asked
        return {"error": traceback.format_exc()}
    return {"output": output.getvalue().rstrip("\n")}


def _number_what_was_published() -> None:
    """A test that goes on after a commit means to find it in the log."""
    from notifications_hub.streams.sequencer import numberer

    numberer.finish(20)


if __name__ == "__main__":
    main()
