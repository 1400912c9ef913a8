"""The rule that says which announcements a second person approves."""

from __future__ import annotations

from notifications_hub import audiences
from notifications_hub.announcements.models import Announcement
from notifications_hub.conf import hub_settings
from notifications_hub.kinds import Urgency


def needs_approval(announcement: Announcement) -> bool:
    """Return whether a second person has to approve it: it goes to many people, or it is critical, or a public banner.

    A critical one overrides what people prefer, so its size does not matter. Nobody knows how many visitors see a
    public banner. Raise what a host's audience raises.
    """
    limit = hub_settings.announcement_approval_above
    if limit is None or announcement.is_test:
        return False
    is_public = announcement.is_banner and announcement.is_banner_public
    return is_public or announcement.urgency == Urgency.CRITICAL or _has_more_than(limit, announcement.audience)


def _has_more_than(limit: int, audience: str) -> bool:
    """Return whether one more person is in the audience. It reads no further, however large the audience is."""
    people = audiences.members(audience).order_by().values_list("pk", flat=True)
    return len(people[limit : limit + 1]) > 0
