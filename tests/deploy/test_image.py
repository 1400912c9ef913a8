"""The image and the services of `deploy/compose.yaml`, carried out without Docker: read-only, and not as root.

bin/test starts one web process behind nginx, and `make exhaustive` every service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests

from tests.support.compose import DEPLOY, Services, copied
from tests.support.full import FULL
from tests.support.image import Image, lent_by_this_machine, need_mounts
from tests.support.postgres import PostgresServer
from tests.support.processes import Program, free_port, wait_until
from tests.support.redis import RedisServer
from tests.support.web import Front

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

USER = "10001"
SERVES = "Uvicorn running"


@dataclass(frozen=True)
class Stack:
    image: Image
    services: Services
    webs: tuple[Program, ...]
    front: Front

    def session(self) -> requests.Session:
        """Return a browser that knows the site by its name."""
        session = requests.Session()
        # Variables of this machine would name a certificate authority.
        session.verify = session.trust_env = False
        session.headers.update({"Host": "hub.example", "Referer": "https://hub.example/"})
        return session


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    need_mounts()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="hub-image-")))
        folder.chmod(0o755)
        (root := folder / "root").mkdir()
        image = Image(DEPLOY / "Dockerfile", root, lent_by_this_machine(root), leave_out="pip install")
        postgres, redis = opened.enter_context(PostgresServer()), opened.enter_context(RedisServer())
        (prepared := folder / "deploy").mkdir()
        file = copied(prepared, {"secret_key": "k" * 50, "database_url": postgres.url})
        addresses = {"REDIS_URL": redis.url, "CELERY_BROKER_URL": redis.url.replace("/0", "/1")}
        services = opened.enter_context(Services(file, image, folder, addresses))
        services.run("migrate")
        names = ("web-1", "web-2") if FULL else ("web-1",)
        webs = tuple(services.start(name, after=SERVES) for name in names)
        # In bin/test web-2 has no socket, so nginx asks web-1.
        sockets = (services.sockets / "web-1.sock", services.sockets / "web-2.sock")
        front = opened.enter_context(Front(sockets, folder, sockets=services.sockets))
        yield Stack(image, services, webs, front)


def test_a_process_is_not_root_has_no_rights_and_cannot_write(stack: Stack) -> None:
    process = stack.webs[0].process.pid
    status = Path(f"/proc/{process}/status").read_text()
    assert re.search(rf"^Uid:\t{USER}\t{USER}\t{USER}\t{USER}$", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
    mounts = [line.split()[4:6] for line in Path(f"/proc/{process}/mountinfo").read_text().splitlines()]
    writable = {place for place, options in mounts if "rw" in options.split(",")}
    assert {place for place in writable if not place.startswith(("/dev", "/proc"))} == {"/tmp", "/run/hub"}
    assert stack.services.run("web-1", "sh", "-c", "echo ${HOME-unset}; touch /tmp/x").strip() == "unset"


def test_people_sign_in_through_nginx_and_static_files_are_kept_for_ever(stack: Stack) -> None:
    make = "from accounts.models import User; User.objects.create_superuser('alice', password='a-long-password')"
    stack.services.run("web-1", "python", "manage.py", "shell", "--command", make)
    alice = stack.session()
    page = alice.get(f"{stack.front.url}/accounts/login/", timeout=30).text
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[:1]
    form = {"username": "alice", "password": "a-long-password", "csrfmiddlewaretoken": token}
    alice.post(f"{stack.front.url}/accounts/login/", data=form, allow_redirects=False, timeout=30)
    stack.services.run("web-2", "python", "manage.py", "hub_announce", "Tea at four")
    assert "Tea at four" in alice.get(f"{stack.front.url}/notifications/", timeout=30).text
    scripts = re.findall(r'src="(/static/[^"]+\.js)"', page)
    assert scripts
    for script in scripts:
        answer = alice.get(stack.front.url + script, timeout=30)
        assert answer.ok
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] == "gzip"


@pytest.mark.exhaustive
@pytest.mark.faults
def test_beat_starts_the_due_deliveries_in_a_worker_that_is_healthy(stack: Stack) -> None:
    worker, beat = stack.services.start("worker", after=" ready."), stack.services.start("beat")
    # A commit sends such a task too, so both must have been at work.
    wait_for_line(worker, "Task notifications_hub.send_due")
    wait_for_line(beat, "Sending due task send-due")
    for process in (worker, beat):
        process.stop(seconds=60)
        assert process.process.returncode == 0, process.log.read_text()


@pytest.mark.exhaustive
def test_metrics_of_each_process_answer_inside(stack: Stack) -> None:
    for number, _web in enumerate(stack.webs, start=1):
        answer = requests.get(f"http://127.0.0.1:{stack.front.inside}/web-{number}/readyz", timeout=30)
        assert answer.json()["database"] == "ok"


@pytest.mark.exhaustive
@pytest.mark.faults
def test_the_command_of_the_image_itself_serves_on_a_port(stack: Stack) -> None:
    port = str(free_port())
    command, check = (
        [port if part == "8000" else part for part in given]
        for given in (stack.image.command, [*stack.image.health, "8000"])
    )
    server = stack.services.start_other("web-1", command)
    wait_for_line(server, SERVES)
    wait_until(lambda: stack.services.succeeds("web-1", check), seconds=60, what="a healthy image")
    server.stop()


@pytest.mark.exhaustive
@pytest.mark.faults
def test_while_a_process_restarts_every_page_is_answered_by_the_other(stack: Stack) -> None:
    visitor = stack.session()
    stack.webs[0].stop()
    answers = [visitor.get(f"{stack.front.url}/accounts/login/?{n}", timeout=30).status_code for n in range(6)]
    stack.services.start("web-1", after=SERVES)
    stack.webs[1].stop()
    answers += [visitor.get(f"{stack.front.url}/accounts/login/?{n}", timeout=30).status_code for n in range(6)]
    assert answers == [200] * 12


def wait_for_line(process: Program, text: str) -> None:
    wait_until(
        lambda: text in process.log.read_text(errors="replace"), seconds=60, what=f"{text!r} in {process.log.name}"
    )
