"""The chat of the Channels tutorial and the hub: in one application, over one channel layer in Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.hosts.conftest import StartProject
from tests.support.host_project import HostProject
from tests.support.live import EVERY
from tests.support.redis import RedisServer
from tests.support.site import Visitor

LAYER = """
CHANNEL_LAYERS = {{"default": {{"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {{"hosts": [{url!r}]}}}}}}
"""


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def project(start_project: StartProject, redis: RedisServer) -> HostProject:
    layer = LAYER.format(url=redis.url)
    return start_project("Channels consumers of your own", files={"settings.py": layer})


@pytest.mark.parametrize("by", EVERY)
def test_the_tutorials_chat_and_the_hub_answer_side_by_side(project: HostProject, by: str) -> None:
    alice, bob = project.visitor("alice"), project.visitor("bob")
    with chat(project, alice) as hers, chat(project, bob) as his, project.listening(alice, by=by) as bell:
        his.send(json.dumps({"message": "hello"}))
        assert json.loads(hers.recv(timeout=30)) == json.loads(his.recv(timeout=30)) == {"message": "hello"}
        # From another process, so the hint goes through the same layer.
        project.python('notify.send(person("bob"), recipient=person("alice"), verb="waved")')
        assert bell.until("notification.created")["data"]["title"] == "bob waved"
        his.send(json.dumps({"message": "still here"}))
        assert json.loads(hers.recv(timeout=30)) == {"message": "still here"}


def test_a_consumer_may_notify(project: HostProject) -> None:
    alice, bob = project.visitor("alice"), project.visitor("bob")
    with chat(project, bob) as his, project.listening(alice) as bell:
        his.send(json.dumps({"message": "@alice come here"}))
        assert bell.until("notification.created")["data"]["title"] == "bob mentioned you"


def chat(project: HostProject, visitor: Visitor) -> ClientConnection:
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    address = project.url.replace("http", "ws", 1) + "/ws/chat/lobby/"
    return connect(address, additional_headers={"Cookie": cookie, "Origin": project.url})
