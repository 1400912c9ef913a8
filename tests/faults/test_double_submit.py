"""T42: one announcement is submitted six times at once, then approved by two people, each three times."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from tests.announcements.support import ADD, ClientFor, approval, filled_in, kinds_on, said
from tests.support.together import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

VERSION = re.compile(r'name="version" value="([^"]+)"')


@pytest.fixture
def three(alice: User, bob: User, charlie: User, client_for: ClientFor, settings: Settings) -> list[User]:
    """Three people who may announce, and a site where a second one must approve."""
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ANNOUNCEMENT_APPROVAL_ABOVE": 1}
    people = [alice, bob, charlie]
    User.objects.update(is_staff=True)
    right = Permission.objects.get(content_type__app_label="notifications_hub", codename="broadcast")
    for person in people:
        person.user_permissions.add(right)
    return list(User.objects.filter(pk__in=[person.pk for person in people]).order_by("pk"))


def post(client: Client, address: str, form: dict[str, Any]) -> tuple[int, str]:
    answer = client.post(address, form)
    return answer.status_code, (said(answer) or [""])[-1]


def test_a_double_submit_and_a_race_of_approvers_announce_exactly_once(
    three: list[User], client_for: ClientFor
) -> None:
    writer, *approvers = three
    submitted = together([partial(post, client_for(writer), ADD, filled_in()) for _ in range(6)])
    assert {status for status, _words in submitted} == {HTTPStatus.FOUND}
    announcement = Announcement.objects.get()
    assert announcement.state is AnnouncementState.AWAITING
    assert kinds_on("everyone") == []

    page = client_for(approvers[0]).get(approval(announcement)).content.decode()
    [version] = set(VERSION.findall(page))
    clients = [client_for(person) for person in approvers for _ in range(3)]
    form = {"decision": "approve", "version": version}
    answers = together([partial(post, client, approval(announcement), form) for client in clients])

    assert {status for status, _words in answers} == {HTTPStatus.FOUND}
    assert Counter("Somebody else has decided" in words for _status, words in answers) == {False: 1, True: 5}
    assert kinds_on("everyone") == ["announcement.created"]
    assert AnnouncementStep.objects.filter(step="approved").count() == 1
    assert Announcement.objects.get().state is AnnouncementState.RUNNING
