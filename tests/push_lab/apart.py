"""Run the push service in a process of its own, so that its memory and time are not the sender's.

`python -m tests.push_lab.apart <the site's public key> <subscriptions>` prints `{"host": …, "endpoints": […]}`.
"""

from __future__ import annotations

import json
import sys
import threading

from tests.push_lab.service import LocalPushService

if __name__ == "__main__":
    with LocalPushService.in_thread() as service:
        endpoints = [service.subscribe(sys.argv[1]).endpoint for _ in range(int(sys.argv[2]))]
        sys.stdout.write(json.dumps({"host": service.host, "endpoints": endpoints}) + "\n")
        sys.stdout.flush()
        threading.Event().wait()
