"""Run a case on the loaded site, explain its statements, and take its changes back."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction
from django.test import TestCase

from tests.cost.explain import Statement, explained
from tests.cost.loading import Size
from tests.cost.world import Case, World


def run(case: Case, size: Size, *, scans: bool) -> Sequence[Statement]:
    """Return the statements of a case. Without `scans` PostgreSQL reads a whole table only if no index fits."""
    with transaction.atomic():
        if not scans:
            with connection.cursor() as cursor:
                # What is made unattractive looks so dear that PostgreSQL would compile it first.
                cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL jit = off")
        # What a commit would start belongs to the case.
        with explained(case.limits) as statements, TestCase.captureOnCommitCallbacks(execute=True):
            case.act(World(size))
        transaction.set_rollback(True)
    return statements
