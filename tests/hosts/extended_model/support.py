"""Helpers of the proofs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify

from accounts.models import User
from notifications_hub import Notification
from tests.hosts.extended_model.tenancy.models import CaseColumns

ClientFor = Callable[[User], Client]
committing = pytest.mark.django_db(transaction=True)
"""A test whose transactions are real, which takes longer."""


def send(actor: User, recipient: object, **given: Any) -> list[Notification]:
    answers: Any = notify.send(actor, recipient=recipient, **{"verb": "moved", "kind": "case.moved", **given})
    return list(answers[0][1])


def statements(act: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        act()
    return [query["sql"] for query in queries]


def rows() -> Any:
    """Return the manager, untyped: the type checker reads the settings without this app."""
    return Notification.objects


def columns(row: Notification) -> CaseColumns:
    found: CaseColumns = CaseColumns.objects.get(notification=row)
    return found
