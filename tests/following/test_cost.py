"""Sending to followers costs about the same as sending to a plain queryset of the same people."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from notifications.signals import notify

from accounts.models import User
from notifications_hub import Notification, followers_of
from notifications_hub.following.followed import Followed
from notifications_hub.following.models import Follow
from showcase.models import Post
from tests.support.full import FULL, report

pytestmark = [pytest.mark.faults, pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

MOST = 1.2
"""The most processor time of this process for followers, as a multiple of that for the queryset."""


@pytest.mark.exhaustive
@pytest.mark.parametrize(("number", "rounds"), [(10_000, 5), (100_000, 1)])
def test_followers_cost_what_a_queryset_costs(bob: User, admin: User, number: int, rounds: int) -> None:
    users: Any = get_user_model().objects
    users.bulk_create((User(username=f"p{at}", first_name=f"P {at}") for at in range(number)), batch_size=5000)
    people = users.filter(username__startswith="p")
    post = Post.objects.create(author=admin, title="Moving plants", body="How?")
    follow_all(post, people)
    took: dict[str, list[float]] = {"followers": [], "queryset": []}
    for _ in range(rounds):
        took["followers"].append(seconds_of(lambda: send(bob, followers_of(post), post)))
        took["queryset"].append(seconds_of(lambda: send(bob, people.order_by("pk"), post)))
    assert Notification.objects.filter(reason="author").count() == rounds * number
    followers, queryset = (median(took[name]) for name in ("followers", "queryset"))
    report(
        f"{number:,} people on {connection.vendor}: followers {followers:.2f} s of processor time, "
        f"queryset {queryset:.2f} s, share {followers / queryset:.2f}"
    )
    assert followers <= MOST * queryset or not FULL


def follow_all(post: Post, people: Any) -> None:
    Follow.objects.all().delete()
    followed = Followed.of(post)
    columns = {"content_type_id": followed.content_type_id, "object_key": followed.key, "reason": "author"}
    rows = (Follow(person=one, **columns) for one in people.iterator())
    Follow.objects.bulk_create(rows, batch_size=5000)
    with connection.cursor() as sql:
        sql.execute("ANALYZE")


def send(by: User, recipient: Any, post: Post) -> None:
    notify.send(by, recipient=recipient, verb="replied", target=post, kind="comment.reply")


def seconds_of(work: Callable[[], None]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began
