"""Counting within a time limit, and estimating beyond it."""

from __future__ import annotations

import time

import pytest
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import User
from notifications_hub.database.quick_count import Precision, RowCount, quick_count
from notifications_hub.database.time_limit import is_over_time, time_limit

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

_SLOW = """(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000000)
    SELECT count(*) FROM n)"""


def slow(people: QuerySet[User]) -> QuerySet[User]:
    """Return people by a condition that takes a database many seconds."""
    return people.annotate(slow=RawSQL(_SLOW, ())).filter(slow__gt=0)


def test_rows_are_counted(alice: User, bob: User) -> None:
    assert quick_count(User.objects.all(), 5.0) == RowCount(2)


def test_a_count_that_takes_too_long_is_ended(alice: User) -> None:
    began = time.monotonic()
    with pytest.raises(OperationalError) as caught, time_limit(connection, 0.1):
        slow(User.objects.all()).count()

    assert is_over_time(caught.value)
    assert time.monotonic() - began < 5
    # The transaction goes on, without the limit.
    assert User.objects.count() == 1
    with connection.cursor() as sql:
        if connection.vendor == "postgresql":
            sql.execute("SHOW statement_timeout")
            assert sql.fetchone() == ("0",)


def test_beyond_its_time_a_count_is_estimated_or_given_up(alice: User) -> None:
    counted = quick_count(slow(User.objects.all()), 0.1)

    if connection.vendor == "postgresql":
        assert counted is not None
        assert counted.precision is Precision.ABOUT
    else:
        assert counted is None


def test_without_time_a_small_number_is_exact_where_there_are_no_estimates(alice: User, bob: User) -> None:
    counted = quick_count(User.objects.all(), 0.0)

    assert counted is not None
    if connection.vendor == "sqlite":
        assert counted == RowCount(2)


def test_another_error_is_raised(alice: User) -> None:
    with pytest.raises(Exception, match=r"(?i)no_such"):
        quick_count(User.objects.annotate(x=RawSQL("no_such(1)", ())).filter(x=1), 1.0)


@pytest.mark.parametrize(
    ("number", "rounded"), [(0, 0), (7, 7), (42, 42), (996, 1000), (1_044_213, 1_000_000), (23_500, 24_000)]
)
def test_an_estimate_is_rounded(number: int, rounded: int) -> None:
    assert RowCount(number, Precision.ABOUT).rounded == rounded
    assert RowCount(number).rounded == number
