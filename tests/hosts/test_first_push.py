"""A new project goes from no key to a push by nothing but the words that the README and the commands print."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from notifications_hub.transports.web_push.vapid import VapidKey
from tests.push_lab.fixtures import push_service
from tests.push_lab.service import LocalPushService
from tests.support.host import FENCE, Host
from tests.support.processes import ROOT

__all__ = ["push_service"]

SUBJECT = "mailto:you@acme.com"
NO_WAIT = 'NOTIFICATIONS_HUB |= {{"ACK_WINDOW": 0, "PUSH_EXTRA_HOSTS": [{host!r}]}}\n'
PUSH = """
import json
from django.contrib.auth import get_user_model
from notifications.signals import notify
from notifications_hub.transports.web_push.subscriptions import register
alice = get_user_model().objects.get(username="alice")
register(alice, json.loads({browser!r}), "")
notify.send(alice, recipient=alice, verb="waved")
"""


@pytest.fixture
def host(tables: Path, tmp_path: Path) -> Host:
    host = Host(tmp_path)
    host.follow_the_readme()
    host.add_pages()
    shutil.copy(tables, host.folder / "db.sqlite3")
    return host


def push_line(host: Host, **environment: str) -> str:
    lines = host.try_to_manage("hub_doctor", "--no-color", **environment).stdout.splitlines()
    [line] = [line for line in lines if line[4:].startswith("push ")]
    return " ".join(line.split())


def web_push_of_the_readme() -> dict[str, str]:
    """Return the command and the settings of the README's section."""
    section = (ROOT / "README.md").read_text().partition("### Web Push while the site is closed")[2]
    return dict(FENCE.findall(section.partition("\n##")[0]))


def test_the_printed_words_lead_from_no_key_to_a_push(host: Host, push_service: LocalPushService) -> None:
    assert "`manage.py hub_vapid --env` makes one, and prints the settings" in push_line(host)

    readme = web_push_of_the_readme()
    [command] = re.findall(r"python manage\.py (.+?) >", readme["sh"])
    made = host.try_to_manage(*command.split())
    variables = dict(line.split("=", 1) for line in made.stdout.splitlines()) | {"VAPID_SUBJECT": SUBJECT}
    # The environment alone changes nothing, and both commands know the reason.
    assert push_line(host, **variables).startswith("!! push off: the environment has VAPID_PRIVATE_KEY, but your set")
    assert "your settings do not read it" in host.try_to_manage("hub_vapid", **variables).stderr

    assert readme["python"] in made.stderr
    host.add("settings.py", readme["python"])
    assert push_line(host, **variables).startswith("ok push on, with key")
    assert "VAPID_PRIVATE_KEY in NOTIFICATIONS_HUB is empty" in push_line(host)
    assert "NOTIFICATIONS_HUB = " not in host.try_to_manage("hub_vapid", "--env", **variables).stderr

    host.add("settings.py", NO_WAIT.format(host=push_service.host))
    reader = push_service.subscribe(VapidKey(variables["VAPID_PRIVATE_KEY"]).public)
    sent = host.try_to_manage("shell", "-c", PUSH.format(browser=json.dumps(reader.to_json())), **variables)
    assert sent.returncode == 0, sent.stderr
    worked = host.try_to_manage("hub_worker", "--once", **variables)
    assert len(push_service.messages) == 1, worked.stderr
