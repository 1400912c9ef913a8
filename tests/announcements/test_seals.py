"""The chain of seals over the audit trail: whatever SQL does to a step, `hub_verify_audit` says so."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub.announcements import audit
from notifications_hub.announcements.audit import AnnouncementStep, Step
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.seals import chain
from notifications_hub.announcements.seals.models import StepSeal, look
from notifications_hub.announcements.seals.verifying import verify
from notifications_hub.personal_data.erase import erase
from tests.support.processes import ROOT

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

STEPS, SEALS = AnnouncementStep._meta.db_table, StepSeal._meta.db_table


@pytest.fixture
def five(alice: User, bob: User) -> list[int]:
    """Return the keys of five sealed steps. Bob proposed the last, and all are by Alice."""
    announcement = Announcement.objects.create(title="Hello")
    for step in (Step.WRITTEN, Step.SUBMITTED, Step.APPROVED, Step.ANNOUNCED):
        audit.record(announcement, step, by=alice, number=1.5)
    audit.record(announcement, Step.EDITED, by=alice, proposed_by="bob", changes={"title": ["Hi", "Hello"]})
    chain.seal_steps()
    return list(AnnouncementStep.objects.order_by("pk").values_list("pk", flat=True))


def run(statement: str, *values: Any) -> None:
    with connection.cursor() as sql:
        sql.execute(statement, values)


def test_an_untouched_trail_is_verified_and_names_its_newest_seal(five: list[int]) -> None:
    out = StringIO()
    call_command("hub_verify_audit", stdout=out)
    head = re.search(r"Newest seal: (5:[0-9a-f]{64})\n", out.getvalue())
    assert "5 steps are as they were recorded.\n" in out.getvalue()
    assert head
    call_command("hub_verify_audit", "--head", head[1], stdout=out)


def _swap(pks: list[int]) -> None:
    for key, value in ((pks[1], -1), (pks[2], pks[1]), (-1, pks[2])):
        run(f"UPDATE {STEPS} SET id = %s WHERE id = %s", value, key)


def _swap_seals(pks: list[int]) -> None:
    for number, value in ((2, -1), (3, 2), (-1, 3)):
        run(f"UPDATE {SEALS} SET number = %s WHERE number = %s", value, number)


def _remove_both(pks: list[int]) -> None:
    run(f"DELETE FROM {SEALS} WHERE step_key = %s", pks[2])
    run(f"DELETE FROM {STEPS} WHERE id = %s", pks[2])


def _forge(pks: list[int]) -> None:
    """Change a step, and make all later seals anew, without the secret key."""
    run(f"UPDATE {STEPS} SET title = 'Other' WHERE id = %s", pks[2])
    digest = StepSeal.objects.get(number=2).digest
    for seal in StepSeal.objects.filter(number__gt=2).order_by("number"):
        digest = chain.digest_of(digest, seal.number or 0, AnnouncementStep.objects.get(pk=seal.step_key), seal.names)
        run(f"UPDATE {SEALS} SET digest = %s WHERE number = %s", digest, seal.number)


def _add_with_a_seal(pks: list[int]) -> None:
    """Add a step and a seal that waits, as somebody with SQL can, and let the hub seal it."""
    step = AnnouncementStep(announcement_key="1", title="Forged", step="announced", source="code", person_name="bob")
    step.save_base(force_insert=True)
    StepSeal.objects.create(step_key=step.pk)
    chain.seal_steps()


def _seal_again(pks: list[int]) -> None:
    """Change the last step, and let the hub seal it once more."""
    run(f"UPDATE {STEPS} SET title = 'Other' WHERE id = %s", pks[4])
    run(f"UPDATE {SEALS} SET number = NULL WHERE number = 5")
    chain.seal_steps()


def _hide(pks: list[int]) -> None:
    run(f"UPDATE {STEPS} SET title = 'Other' WHERE id = %s", pks[4])
    run(f"UPDATE {SEALS} SET number = -5 WHERE number = 5")


TAMPERINGS: dict[str, tuple[Callable[[list[int]], None], str]] = {
    "another title": (lambda pks: run(f"UPDATE {STEPS} SET title = 'x' WHERE id = %s", pks[2]), "seal 3 was changed"),
    "another person": (lambda pks: run(f"UPDATE {STEPS} SET person_key = '9' WHERE id = %s", pks[0]), "seal 1 was"),
    "another name": (lambda pks: run(f"UPDATE {STEPS} SET person_name = 'bob' WHERE id = %s", pks[0]), "A name in"),
    "another time": (lambda pks: run(f"UPDATE {STEPS} SET at = '2001-01-01 00:00:00+00:00'"), "seal 5 was changed"),
    "other details": (lambda pks: run(f"UPDATE {STEPS} SET details = '{{}}' WHERE id = %s", pks[4]), "seal 5 was"),
    "a step removed": (lambda pks: run(f"DELETE FROM {STEPS} WHERE id = %s", pks[2]), "of seal 3, was removed"),
    "its seal removed too": (_remove_both, "after 2 and before 4"),
    "a step without a seal": (lambda pks: run(f"DELETE FROM {SEALS} WHERE number = 5"), "has no seal"),
    "two steps swapped": (_swap, "seal 2 was changed"),
    "two seals swapped": (_swap_seals, "seal 2 was changed"),
    "a step added with its seal": (_add_with_a_seal, "the hub did not add it"),
    "a seal made again": (_seal_again, "seal 5 was changed"),
    "a seal put before the chain": (_hide, "has no seal"),
    "a chain made anew": (_forge, "not signed by SECRET_KEY"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampered_trail_fails(five: list[int], name: str) -> None:
    tamper, words = TAMPERINGS[name]
    tamper(five)
    with pytest.raises(CommandError, match=words):
        call_command("hub_verify_audit")


def test_an_end_that_was_cut_off_is_noticed_by_the_seal_that_was_kept(five: list[int]) -> None:
    head = verify().head
    run(f"DELETE FROM {SEALS} WHERE number >= 4")
    run(f"DELETE FROM {STEPS} WHERE id >= %s", five[3])
    assert verify().findings == []
    [finding] = verify(head).findings
    assert "cut off" in finding


def test_an_erased_name_is_counted_and_no_finding(five: list[int], alice: User, bob: User) -> None:
    erase(alice)
    erase(bob)
    verdict = verify()
    assert (verdict.findings, verdict.sealed, verdict.erased) == ([], 5, 5)


def test_a_changed_key_is_verified_by_its_fallback(five: list[int], settings: Any) -> None:
    before = settings.SECRET_KEY
    settings.SECRET_KEY = "another secret key of the site, for a test"
    assert len(verify().findings) == 1
    settings.SECRET_KEY_FALLBACKS = [before]
    assert verify().findings == []
    # A new step is signed with the new key, and vouches for all before it.
    audit.record(Announcement.objects.get(), Step.WITHDRAWN)
    chain.seal_steps()
    settings.SECRET_KEY_FALLBACKS = []
    assert verify().findings == []


def test_several_added_at_once_are_sealed_too(five: list[int]) -> None:
    copies = [AnnouncementStep(announcement_key="1", title="x", step="edited", source="code") for _ in range(2)]
    AnnouncementStep.objects.bulk_create(copies)
    assert (verify().waiting, verify().sealed) == (2, 5)
    chain.seal_steps()
    assert (verify().waiting, verify().sealed, verify().findings) == (0, 7, [])


@pytest.mark.django_db(transaction=True)
def test_a_step_that_commits_late_waits_for_nobody_and_is_sealed_last(alice: User) -> None:
    announcement = Announcement.objects.create(title="Hello")
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time.")
    recorded, go_on = threading.Event(), threading.Event()

    def _slowly() -> None:
        with transaction.atomic():
            audit.record(announcement, Step.WRITTEN)
            recorded.set()
            go_on.wait(60)
        connection.close()

    late = threading.Thread(target=_slowly)
    late.start()
    assert recorded.wait(60)
    audit.record(announcement, Step.ANNOUNCED)
    chain.seal_steps()
    assert list(_sealed()) == ["announced"]
    go_on.set()
    late.join()
    chain.seal_steps()
    assert list(_sealed()) == ["announced", "written"]
    assert verify().findings == []


@pytest.mark.django_db(transaction=True)
def test_a_process_seals_at_once_what_it_has_recorded_and_asks_nothing_otherwise() -> None:
    announcement = Announcement.objects.create(title="Hello")
    look.soon()
    chain.seal_in_turn()
    with CaptureQueriesContext(connection) as asked:
        chain.seal_in_turn()
    assert len(asked) == 0
    audit.record(announcement, Step.WRITTEN)
    chain.seal_in_turn()
    assert verify().sealed == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_seal_at_once_make_one_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH", 3)
    announcement = Announcement.objects.create(title="Hello")
    for _ in range(20):
        audit.record(announcement, Step.EDITED)
    faults: list[Exception] = []

    def _seal() -> None:
        try:
            chain.seal_steps()
        except DatabaseError as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=_seal) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain.seal_steps()
    assert (faults, verify().findings, verify().sealed, verify().waiting) == ([], [], 20, 0)


def _sealed() -> Iterator[str]:
    for seal in StepSeal.objects.filter(number__isnull=False).order_by("number"):
        yield AnnouncementStep.objects.get(pk=seal.step_key).step


def triggers() -> list[str]:
    """Return the statements of docs/security.md that forbid changes on this database."""
    page = (ROOT / "docs" / "security.md").read_text()
    blocks = re.findall(r"```sql\n(-- .+?)```", page, re.DOTALL)
    [block] = [one for one in blocks if one.lower().startswith(f"-- {connection.vendor}")]
    return [one.strip() for one in block.split("\n\n") if one.strip()]


def test_the_triggers_of_the_guide_refuse_changes_and_let_the_hub_work(five: list[int], alice: User) -> None:
    for statement in triggers():
        run(statement)
    for change in (
        f"UPDATE {STEPS} SET title = 'x'",
        f"UPDATE {STEPS} SET person_name = 'x'",
        f"DELETE FROM {STEPS}",
        f"UPDATE {SEALS} SET number = NULL",
        f"DELETE FROM {SEALS}",
        f"TRUNCATE {STEPS} CASCADE" if connection.vendor == "postgresql" else f"DELETE FROM {STEPS} WHERE id > 0",
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            run(change)
    audit.record(Announcement.objects.get(), Step.WITHDRAWN, by=alice)
    chain.seal_steps()
    erase(alice)
    verdict = verify()
    assert (verdict.sealed, verdict.findings, verdict.erased) == (6, [], 6)
