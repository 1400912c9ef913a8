"""The chore that keeps the tables of use small: it removes counts that a later one replaces, and days of long ago."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from notifications_hub.database import transaction
from notifications_hub.streams.sweeper import every_few_seconds
from notifications_hub.tallying.folding import add_sums
from notifications_hub.use.models import KindUse, UseSum, UseWalk, What
from notifications_hub.use.walking import AGES, DAYS, LAST, SENT, first_uncounted

KEPT = timedelta(days=731)
"""How long a day's figures are kept."""
PAUSE = timedelta(hours=6)

_REPLACED = [age for age in AGES if age not in (SENT, LAST)]
_KEYS = ("day", "what", "kind", "method", "detail")


@every_few_seconds
def tidy_use() -> None:
    """Remove what is not needed, every six hours. Otherwise this is one short question."""
    now = datetime.now(UTC)
    if UseWalk.objects.filter(age=SENT, tidied_at__lte=now - PAUSE).exists():
        tidy(now)
        UseWalk.objects.filter(age=SENT).update(tidied_at=now)


def tidy(now: datetime) -> None:
    """Remove counts of earlier ages once there are the last ones, and figures of more than two years ago."""
    today = timezone.localtime(now, timezone.get_default_timezone()).date()
    final, first = today - timedelta(days=DAYS + 1), first_uncounted()
    KindUse.objects.filter(age__in=_REPLACED, day__lt=final if first is None else min(final, first)).delete()
    oldest = today - KEPT
    KindUse.objects.filter(day__lt=oldest).delete()
    _carry_sums(oldest)


def _carry_sums(oldest: object) -> None:
    """Add what was switched long ago to the first day that is kept, so that it still counts as off."""
    with transaction.atomic():
        old = list(UseSum.objects.filter(day__lt=oldest).order_by("pk").select_for_update(no_key=True))
        sums: Counter[tuple[str, ...]] = Counter()
        for one in old:
            if one.what != What.ACTED:
                sums[str(oldest), one.what, one.kind, one.method, one.detail] += one.number
        add_sums(UseSum._meta.db_table, _KEYS, ["number"], [(*key, number) for key, number in sorted(sums.items())])
        UseSum.objects.filter(pk__in=[one.pk for one in old]).delete()
