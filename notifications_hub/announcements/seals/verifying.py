"""The check of the audit trail against its chain of seals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q

from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.seals.chain import digest_of, names_of
from notifications_hub.announcements.seals.models import StepSeal, is_signature

PAGE = 1000
MOST_FINDINGS = 20
"""A chain that was replaced as a whole has a finding for each step; nobody reads more."""
_HALF = 32


@dataclass(slots=True)
class Verdict:
    """The result of a check. `head` names the newest seal, to be kept elsewhere."""

    sealed: int = 0
    waiting: int = 0
    erased: int = 0
    """Steps whose names an erasure emptied."""
    head: str = ""
    findings: list[str] = field(default_factory=list)

    def find(self, text: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(text)


def verify(kept: str = "") -> Verdict:
    """Check every step. `kept` is the head of an earlier check, so that a trail cut off since then is noticed.

    It reads the whole trail, a page at a time.
    """
    verdict = Verdict()
    newest: StepSeal | None = None
    heads = {kept} if kept else set()
    for seal, step in _sealed_steps():
        _check(seal, step, newest, verdict)
        newest = seal
        verdict.sealed += 1
        heads.discard(_head(seal))
    if newest is not None:
        verdict.head = _head(newest)
        if not is_signature(newest.signature, newest.digest):
            verdict.find(
                "The newest seal was not signed by SECRET_KEY or SECRET_KEY_FALLBACKS. If the key has changed, put the "
                "one before in SECRET_KEY_FALLBACKS; otherwise the chain was made by somebody else."
            )
    for head in heads:
        verdict.find(f"The chain has no seal {head}: its end was cut off, or the chain was made anew.")
    _check_unsealed(verdict)
    return verdict


def _sealed_steps() -> Iterator[tuple[StepSeal, AnnouncementStep | None]]:
    last = 0
    rows = StepSeal.objects.order_by("number")
    while page := list(rows.filter(number__gt=last)[:PAGE]):
        steps = AnnouncementStep.objects.in_bulk([seal.step_key for seal in page])
        for seal in page:
            last = seal.number or 0
            yield seal, steps.get(seal.step_key)


def _check(seal: StepSeal, step: AnnouncementStep | None, before: StepSeal | None, verdict: Verdict) -> None:
    number, digest = (before.number or 0, before.digest) if before else (0, "")
    if seal.number != number + 1:
        verdict.find(f"The seals after {number} and before {seal.number} were removed.")
        return
    if step is None:
        verdict.find(f"Step {seal.step_key}, of seal {seal.number}, was removed.")
    elif digest_of(digest, number + 1, step, seal.names) != seal.digest:
        step_in_words = f"Step {step.pk} ({step.step}, {step.title!r})"
        verdict.find(f"{step_in_words} or its seal {seal.number} was changed, or the hub did not add it.")
    else:
        _check_names(seal, step, verdict)


def _check_names(seal: StepSeal, step: AnnouncementStep, verdict: Verdict) -> None:
    """Check the names that are left: an erasure empties them, and nothing else may."""
    now, empty = names_of(step), names_of(AnnouncementStep(pk=step.pk))
    changed = [at for at in (0, _HALF) if now[at : at + _HALF] != seal.names[at : at + _HALF]]
    if any(now[at : at + _HALF] != empty[at : at + _HALF] for at in changed):
        verdict.find(f"A name in step {step.pk} ({step.step}, {step.title!r}) was changed.")
    elif changed:
        verdict.erased += 1


def _check_unsealed(verdict: Verdict) -> None:
    verdict.waiting = StepSeal.objects.filter(number=None).count()
    # The walk begins at number 1, so a number below it would hide a step.
    sealed = StepSeal.objects.filter(Q(number=None) | Q(number__gt=0), step_key=OuterRef("pk"))
    for pk in AnnouncementStep.objects.filter(~Exists(sealed)).values_list("pk", flat=True)[:MOST_FINDINGS]:
        verdict.find(f"Step {pk} has no seal, so it was not added by the hub.")


def _head(seal: StepSeal) -> str:
    return f"{seal.number}:{seal.digest}"
