"""The worker as a Django task, for the setting `TASK_BACKEND`. Only a backend's worker and a wake-up import it."""

from __future__ import annotations

from notifications_hub.delivery.worker import run_for_a_while
from notifications_hub.task_framework import hub_task


@hub_task
def send_due() -> None:
    """Send the deliveries that are due. It may run at any time, in any number of processes."""
    run_for_a_while()
