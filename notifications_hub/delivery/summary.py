"""One message in place of several that have waited: a digest for transports with `digests`, else a few titles."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.text import Truncator

from notifications_hub.delivery.sender import Sending
from notifications_hub.kinds import Privacy, Urgency, kind_of
from notifications_hub.message import Line, Message, Section, localized_for, veiled
from notifications_hub.notification import Notification, message_of
from notifications_hub.own_kinds import DigestKind, QuietSummary
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.transports import declaration_of
from notifications_hub.web.text import balanced

TITLES = 3
"""The newest titles that a summary names."""
LONGEST_BODY = 200
"""The most characters of a notification's text in a digest."""
_URGENCIES = list(Urgency)


def summed_up(jobs: Sequence[Sending], more: int, schedule: Schedule | None) -> Sending:
    """Return the job of the newest one, with a message for all and for `more` older ones. Jobs are in order of keys.

    The message keeps that one's id, so reading it closes a push, and its token, which reports on all of them. Times are
    in the zone of the person's schedule, in which they chose the hour of their digests.
    """
    newest = jobs[-1]
    newest_first = jobs[::-1]
    with localized_for(newest.delivery.notification.recipient):
        digests = declaration_of(newest.delivery.transport).digests
        words = _digest(newest_first, more, schedule) if digests else _titles(newest_first, more)
    message = dataclasses.replace(
        words,
        urgency=max((job.message.urgency for job in jobs), key=_URGENCIES.index),
        ttl=max(job.message.ttl for job in jobs),
        token=newest.message.token,
        act_url=newest.message.act_url,
    )
    return dataclasses.replace(newest, message=message, expires=max(job.expires for job in jobs))


def _titles(jobs: Sequence[Sending], more: int) -> Message:
    # A locked screen may show no word of a private one, so it is only counted.
    titles = [job.message.title for job in _lines(jobs) if job.message.privacy is not Privacy.NOTHING]
    return _message(QuietSummary.name, jobs, more, titles[:TITLES])


def _digest(jobs: Sequence[Sending], more: int, schedule: Schedule | None) -> Message:
    sections = tuple(_sections(jobs, schedule))
    words = _message(DigestKind.name, jobs, more, list(_as_text(sections)))
    return dataclasses.replace(words, sections=sections, more=more)


def _lines(newest_first: Iterable[Sending]) -> Iterator[Sending]:
    """Yield the jobs that have a line: of a group only the newest, whose words are the group's."""
    known = set()
    for job in newest_first:
        key = job.delivery.notification.group_key
        if key is None or key not in known:
            known.add(key)
            yield job


def _sections(jobs: Iterable[Sending], schedule: Schedule | None) -> Iterator[Section]:
    """Yield the kinds, the one with the newest notification first."""
    by_kind: dict[str, list[Line]] = {}
    newest_first = sorted(jobs, key=lambda one: one.delivery.notification.timestamp, reverse=True)
    for job in _lines(newest_first):
        by_kind.setdefault(job.message.kind, []).append(_line(job, schedule))
    for kind, lines in by_kind.items():
        yield Section(kind=kind, label=str(kind_of(kind).label or kind), lines=tuple(lines))


def _line(job: Sending, schedule: Schedule | None) -> Line:
    shown = veiled(job.message)
    body = balanced(Truncator(shown.body).chars(LONGEST_BODY))
    at = job.delivery.notification.timestamp
    at = schedule.local(at) if schedule else timezone.localtime(at)
    why = {"because": shown.because, "unfollow_url": shown.unfollow_url}
    return Line(title=shown.title, body=body, url=shown.url, at=at, **why)


def _as_text(sections: Iterable[Section]) -> Iterator[str]:
    for section in sections:
        yield section.label
        yield from (f"- {line.title}" for line in section.lines)


def _message(kind: str, jobs: Sequence[Sending], more: int, titles: Sequence[str]) -> Message:
    row = Notification(url=_inbox(), data={"number": len(jobs) + more, "titles": titles, "more": more})
    return message_of(kind, row, item_id=jobs[0].message.id, tag="")  # type: ignore[arg-type]


def _inbox() -> str:
    try:
        return reverse("notifications_hub:inbox")
    except NoReverseMatch:
        return ""
