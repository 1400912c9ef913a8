"""The doctor's checks of the processes that send and that run jobs. Each returns words, and whether all is well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.util import find_spec

from notifications_hub.conf import hub_settings
from notifications_hub.database.reconnect import first_line
from notifications_hub.delivery import heartbeat
from notifications_hub.delivery.models import first_due_delivery
from notifications_hub.escalation.models import first_due_step
from notifications_hub.jobs.job_task import BACKEND
from notifications_hub.jobs.models import Job, JobState
from notifications_hub.kinds import all_kinds
from notifications_hub.live import process_list
from notifications_hub.live.process_list import ListedProcess
from notifications_hub.ops.servers import count_workers, describe_worker
from notifications_hub.transports import transport_names

LATE = timedelta(seconds=90)
"""The delay that is reported as late: longer than the lease of a killed worker."""
ANSWER_SECONDS = 3

Answer = tuple[str, bool]


def worker() -> Answer:
    late = _lateness() > LATE
    if hub_settings.celery or hub_settings.task_backend:
        return _task_worker(late=late)
    if hub_settings.embedded_worker:
        return _embedded_worker(late=late)
    if late:
        return "not embedded, and none sends: run `manage.py hub_worker`.", False
    if workers := count_workers(running_processes() or []):
        return f"not embedded: hub_worker ({workers}) sends.", True
    return "not embedded: run `manage.py hub_worker` beside the site.", True


def _task_worker(*, late: bool) -> Answer:
    celery = "Celery", "`celery -A yoursite worker` and its beat"
    runner, start = celery if hub_settings.celery else (f"the task backend {hub_settings.task_backend!r}", "its worker")
    if late:
        return f"{runner}, but it sends nothing: start {start}.", False
    return f"{runner}, woken at each commit; the rows are the truth.", True


def _embedded_worker(*, late: bool) -> Answer:
    words = describe_worker(running_processes())
    if late:
        return f"{words} Deliveries are overdue: run `manage.py hub_worker` too.", False
    return words, True


def deliveries() -> Answer:
    if (late := _lateness()) > LATE:
        return f"the oldest is {_duration(late)} overdue: no worker runs, or it cannot keep up.", False
    return "none is overdue.", True


def escalations() -> Answer:
    escalating = [kind for kind in all_kinds() if kind.escalate]
    for kind in escalating:
        for step in kind.escalate:
            if step.method and step.method not in transport_names():
                return f"{kind.name!r} escalates by {str(step.method)!r}: add it to TRANSPORTS.", False
    oldest = first_due_step()
    late = datetime.now(UTC) - oldest if oldest else timedelta()
    if late > LATE:
        return f"the oldest step is {_duration(late)} overdue: no worker runs, or it cannot keep up.", False
    return ("no step is overdue." if escalating else "no kind escalates."), True


def sign_of_life() -> Answer:
    age, running = heartbeat.age(), running_processes()
    if age is None:
        known = "no worker has run yet"
    elif age.total_seconds() <= heartbeat.LATE_SECONDS:
        return "a worker has just been at work.", True
    else:
        known = f"no worker has been at work for {_duration(age)}"
    if hub_settings.task_backend:
        return f"{known}: the task backend runs one only if there is something to do.", True
    if not running:
        return f"{known}, and no server is known to run.", True
    return f"{known}, while a server runs: {_remedy()}.", False


def _remedy() -> str:
    if hub_settings.celery:
        return "start `celery -A yoursite worker` and its beat"
    if hub_settings.embedded_worker:
        return "restart the server whose worker hangs, or run `manage.py hub_worker` too"
    return "run `manage.py hub_worker`, or restart the one that hangs"


def _lateness() -> timedelta:
    """Return for how long the first waiting delivery has been due."""
    # Those of announcements are planned only as fast as they are sent.
    oldest = first_due_delivery()
    return datetime.now(UTC) - oldest if oldest else timedelta()


def jobs() -> Answer:
    waiting = Job.objects.filter(state=JobState.QUEUED).order_by("created").values_list("created", flat=True).first()
    late = datetime.now(UTC) - waiting if waiting else timedelta()
    if not Job.objects.exists():
        return "none has been started yet.", True
    if BACKEND in _newest_options():
        # The framework cannot ask a backend's workers whether they run.
        slow = f"the oldest has waited for {_duration(late)}: start more workers of the task backend."
        return (slow, False) if late > LATE else ("they start in time.", True)
    if problem := _workers_problem():
        return f"{problem}: start one with `celery -A yoursite worker`.", False
    if late > LATE:
        return f"the oldest has waited for {_duration(late)}: the workers cannot keep up.", False
    return "a worker answers.", True


def _newest_options() -> dict[str, object]:
    """Return the options of the newest job, which say by which engine the site's jobs run."""
    return Job.objects.exclude(task="").order_by("-created").values_list("options", flat=True).first() or {}


def _workers_problem() -> str:
    if find_spec("celery") is None:
        return "Celery is not installed, so no worker can run jobs"
    from celery import current_app

    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=ANSWER_SECONDS)
            answers = current_app.control.ping(timeout=1, connection=connection)
    except Exception as error:  # noqa: BLE001 -- each broker has faults of its own, and all mean that it is away
        return f"the broker does not answer ({first_line(error)})"
    return "" if answers else "no worker answers"


def running_processes() -> list[ListedProcess] | None:
    try:
        return process_list.running()
    except Exception:  # noqa: BLE001 -- each cache has faults of its own, which the check of presence reports
        return None


def _duration(late: timedelta) -> str:
    minutes = int(late.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
