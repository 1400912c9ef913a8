"""All models of the app, imported here for Django. Each is defined beside the code that uses it."""

from __future__ import annotations

from notifications_hub.actions.models import ActionResult
from notifications_hub.announcements.approval.models import Correction
from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.banners.models import BannerDismissal
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation, RowsThrough
from notifications_hub.announcements.results.models import ResultFigure, ResultFold, ResultTally, ResultWatch
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.announcements.seals.models import StepSeal
from notifications_hub.audience_lists import AudienceList, AudienceListMember
from notifications_hub.confirmations.models import Reminder
from notifications_hub.delivery.models import DeliveredThrough, Delivery, FlashRest, Preference
from notifications_hub.escalation.models import EscalationStep
from notifications_hub.following.models import Follow
from notifications_hub.inbox_limit import InboxWalk
from notifications_hub.ingest.models import IngestedRequest, ServiceToken
from notifications_hub.jobs.models import Job
from notifications_hub.live.revocation import Revocation
from notifications_hub.live.topic_presence import PresenceHold, PresenceHub, TopicPresence
from notifications_hub.notification import Notification
from notifications_hub.package_import.models import ImportPosition
from notifications_hub.quiet_hours.models import QuietHours
from notifications_hub.rows.trigger_notes import RowChange
from notifications_hub.streams import Event, Stream
from notifications_hub.transports.email.models import StoppedEmail
from notifications_hub.transports.own_addresses.models import OwnAddress
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.use.models import KindUse, UseFold, UseSum, UseTally, UseWalk

__all__ = [
    "ActionResult",
    "Announcement",
    "AnnouncementStep",
    "AnnouncementTranslation",
    "AudienceList",
    "AudienceListMember",
    "BannerDismissal",
    "Correction",
    "DeliveredThrough",
    "Delivery",
    "EscalationStep",
    "Event",
    "FlashRest",
    "Follow",
    "ImportPosition",
    "InboxWalk",
    "IngestedRequest",
    "Job",
    "KindUse",
    "Notification",
    "OwnAddress",
    "Preference",
    "PresenceHold",
    "PresenceHub",
    "PushSubscription",
    "QuietHours",
    "Reminder",
    "ResultFigure",
    "ResultFold",
    "ResultTally",
    "ResultWatch",
    "Revocation",
    "Rollout",
    "RowChange",
    "RowsThrough",
    "ServiceToken",
    "StepSeal",
    "StoppedEmail",
    "Stream",
    "TopicPresence",
    "UseFold",
    "UseSum",
    "UseTally",
    "UseWalk",
]
