"""The command `bin/cluster`: the whole site on this machine, as in production."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.live import WEBSOCKET, opened
from tests.support.processes import ROOT, family, wait_until

COMMAND = [sys.executable, str(ROOT / "bin" / "cluster")]
NOTIFY = """
from django.contrib.auth import get_user_model
from notifications.signals import notify
people = get_user_model().objects
notify.send(people.get(username="bob"), recipient=people.get(username="alice"), verb="waved")
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.mark.faults
def test_a_notification_arrives_through_nginx_and_a_killed_process_comes_back(cluster: Cluster) -> None:
    alice = cluster.visitor("alice")
    cookie = "; ".join(f"{name}={value}" for name, value in alice.cookies.items())
    with opened(WEBSOCKET, cluster.url, cookie) as page:
        page.caught_up()
        cluster.python(NOTIFY)
        assert page.until("notification.created")["data"]["title"] == "Bob waved"
    killed = cluster.pid("web-1")
    cluster.kill("web-1")
    wait_until(lambda: cluster.pid("web-1") not in (0, killed))
    cluster.wait_until_ready()
    assert "Bob waved" in alice.get("/notifications/").text


@pytest.mark.faults
def test_beat_and_the_workers_send_what_is_due(cluster: Cluster) -> None:
    wait_until(lambda: "send_due" in cluster.log("worker-1") + cluster.log("worker-2"))


@pytest.mark.faults
def test_ctrl_c_stops_every_process(cluster: Cluster) -> None:
    process = cluster.process
    everything = family(process.pid)
    assert len(everything) > 10
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everything))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--webs", "0"], "--webs must be a number from 1 to 32, not 0"),
        (["--port", "99999"], "--port must be a number from 1 to 65535, not 99999"),
        (["--folder", "/tmp/" + "a" * 90], "too long for a socket"),
        (["--folder", "/proc/cluster"], "/proc/cluster cannot be used (No such file or directory); choose another"),
        (["--folder", "/etc/passwd"], "/etc/passwd cannot be used (Not a directory); choose another"),
    ],
)
def test_a_wrong_option_is_reported_in_one_line(options: list[str], words: str) -> None:
    run = subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert words in run.stderr
    assert run.stderr.count("\n") == 1
