"""The README's recipe on SQLite, while several people, a worker and another program write at once."""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.hosts.conftest import StartProject
from tests.support.site import Visitor
from tests.support.warm import start_warm

CLIENTS, REQUESTS = 8, 10
URLS = """
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from notifications.signals import notify
def wave(request):
    made = notify.send(request.user, recipient=get_user_model().objects.all(), verb="waved")
    return HttpResponse(made)
urlpatterns += [path("wave/", wave)]
"""
CALLS = """
for _ in range(30):
    notify.send(person("bob"), recipient=User.objects.all(), verb="called")
print(Notification.objects.filter(verb="called").count())
"""
WAVES = 'print(Notification.objects.filter(verb="waved").count())'
DOCTOR = """
from notifications_hub.ops.doctor import examine
print(*[f"{one.good} {one.words}" for one in examine() if one.about == "database"])
"""


def test_requests_a_worker_and_a_program_that_write_at_once_all_succeed(start_project: StartProject) -> None:
    project = start_project(files={"urls.py": URLS})
    folder = project.host.folder
    command = [sys.executable, str(folder / "manage.py"), "hub_worker"]
    worker = start_warm(command, log=folder / "worker.log", environment=project.host.environment)
    visitors = [
        project.visitor(name) for name in ("alice", "bob", "charlie", "alice", "bob", "charlie", "alice", "bob")
    ]
    try:
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            calls = pool.submit(project.python, CALLS)
            statuses = Counter(status for each in pool.map(wave, visitors) for status in each)
    finally:
        worker.stop()
    assert statuses == {200: CLIENTS * REQUESTS}
    assert calls.result() == str(30 * 3)
    assert project.python(WAVES) == str(CLIENTS * REQUESTS * 3)
    assert "is locked" not in project.log + (folder / "worker.log").read_text()
    assert project.python(DOCTOR).startswith("True SQLite in WAL mode")


def wave(visitor: Visitor) -> list[int]:
    return [visitor.get("/wave/").status_code for _ in range(REQUESTS)]
