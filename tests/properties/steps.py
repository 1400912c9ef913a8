"""The random steps of a story: its kinds, its places and times, and what may happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from notifications_hub.inbox.marks import Mark
from tests.properties.choices import DAILY, DIGESTS, EMAILS, FLASH, HOURLY, LIVE, PHONE, SMS, KindOf, Nights

ALL = frozenset({LIVE, FLASH, PHONE, SMS, EMAILS})
PROMPT = KindOf("properties.prompt", ALL - {SMS}, delays={EMAILS: 0})
KINDS = [
    KindOf("properties.reply", ALL - {SMS}),
    KindOf("properties.locked", ALL),
    KindOf("properties.alarm", ALL - {SMS}, is_critical=True),
    PROMPT,
    KindOf("properties.patient", frozenset({LIVE, PHONE, EMAILS}), delays={PHONE: 120, EMAILS: 3600}),
    KindOf("properties.call", ALL - {SMS}, ttl=timedelta(minutes=5)),
    KindOf("properties.letter", frozenset({EMAILS})),
    KindOf("properties.news", frozenset({LIVE, EMAILS}), digest=DAILY),
    KindOf("properties.often", ALL - {SMS}, digest=HOURLY),
]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Asia/Shanghai", "Australia/Lord_Howe"]
# Some hours before the clocks change, and a week in which they do not.
STARTS = [
    datetime(2026, 3, 28, 19, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2026, 3, 7, 23, tzinfo=UTC),
    datetime(2026, 10, 31, 22, tzinfo=UTC),
    datetime(2026, 4, 4, 10, tzinfo=UTC),
    datetime(2026, 6, 5, 12, tzinfo=UTC),
]
NIGHTS = st.builds(
    Nights,
    zone=st.sampled_from(ZONES),
    days=st.one_of(st.just(frozenset(range(7))), st.frozensets(st.integers(0, 6))),
    start=st.sampled_from([0, 1, 2, 9, 18, 20, 22, 23]),
    end=st.sampled_from([0, 1, 2, 3, 7, 9, 23]),
    silent=st.booleans(),
    digest_hour=st.sampled_from([0, 1, 2, 8, 23]),
    digest_day=st.integers(0, 6),
)
NIGHTLY = frozenset(range(7))
# Nights that end in an hour which occurs twice, or is skipped.
CHANGED_NIGHTS = [
    (STARTS[1], Nights("Europe/Berlin", NIGHTLY, 22, 2)),
    (STARTS[3], Nights("America/New_York", NIGHTLY, 20, 1)),
    (STARTS[0], Nights("Europe/Berlin", NIGHTLY, 22, 2)),
]
BEGINNING = st.one_of(st.tuples(st.sampled_from(STARTS), NIGHTS), st.sampled_from(CHANGED_NIGHTS))
WAITS = st.one_of(
    st.sampled_from([10, 30, 40, 60, 120, 600, 610, 3600]).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(1, 30).map(lambda hours: timedelta(hours=hours)),
)
MARKS = st.sampled_from([Mark.READ, Mark.UNREAD, Mark.ARCHIVE, Mark.UNARCHIVE])
FEW = st.lists(st.integers(0, 15), min_size=1, max_size=3)

# What may happen: a method of `Story` and its arguments. What comes twice is twice as likely.
A_KIND = st.sampled_from(KINDS)
STEP = st.one_of(
    *[st.tuples(st.just("notify"), st.tuples(st.lists(A_KIND, min_size=1, max_size=3)))] * 4,
    *[st.tuples(st.just("time_passes"), st.tuples(WAITS, st.booleans()))] * 5,
    st.tuples(st.just("keep_quiet"), st.tuples(NIGHTS)),
    st.tuples(st.just("pause"), st.tuples(st.integers(0, 20), st.booleans())),
    st.tuples(st.just("choose_digest"), st.tuples(A_KIND, st.sampled_from(DIGESTS))),
    st.tuples(st.just("mark"), st.tuples(FEW, MARKS)),
    st.tuples(st.just("switch"), st.tuples(A_KIND, st.sampled_from(sorted(ALL)))),
    *[st.tuples(st.just("switch_what_waits"), st.tuples(st.sampled_from([EMAILS, PHONE])))] * 2,
    st.tuples(st.just("open_a_page"), st.tuples(st.sampled_from(["visible", "hidden"]))),
    st.tuples(st.just("turn_to_or_leave_the_page"), st.tuples(st.sampled_from(["visible", "hidden", ""]))),
    st.tuples(st.just("flash"), st.tuples(st.sampled_from(["page", "page", "redirect", "lost"]))),
    st.tuples(st.just("phone_reports"), st.tuples(st.integers(0, 5))),
    st.tuples(st.just("is_inactive_for_a_while"), st.tuples(WAITS, A_KIND)),
    st.tuples(st.just("email_is_stopped_for_a_while"), st.tuples(WAITS, A_KIND)),
    st.tuples(st.just("phone_fails_for_a_while"), st.tuples(WAITS, A_KIND)),
    st.tuples(st.just("two_workers"), st.just(())),
    st.tuples(st.just("a_worker_is_killed_with_claims"), st.just(())),
    st.tuples(st.just("a_worker_is_killed_with_sends"), st.just(())),
)
