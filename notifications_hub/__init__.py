"""A notification centre for Django.

Everything that a host imports comes from here, except `notifications.signals.notify`. Dotted paths in settings and
`include("notifications_hub.urls")` name modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"
"""The only place where the version is written. Between releases it ends in `.dev0`."""

if TYPE_CHECKING:
    from notifications_hub.actions.running import ActionRefused
    from notifications_hub.announcements.announce import broadcast, withdraw
    from notifications_hub.announcements.banners.rules import Banner
    from notifications_hub.announcements.models import Announcement
    from notifications_hub.asgi import live_application
    from notifications_hub.audiences import UnknownAudience
    from notifications_hub.escalation.after import After
    from notifications_hub.extension import NotificationExtension
    from notifications_hub.following.followed import FollowError, NotFollowable, followable
    from notifications_hub.following.follows import follow, is_following, mute, unfollow, unmute
    from notifications_hub.following.reasons import FollowReason
    from notifications_hub.following.recipients import Followers, followers_of
    from notifications_hub.following.rules import auto_follow
    from notifications_hub.grouping.group import NotificationGroup
    from notifications_hub.grouping.storm import Storm
    from notifications_hub.inbox.links import live_url
    from notifications_hub.ingest.tokens import make_service_token
    from notifications_hub.jobs.enqueue import BadJob, JobError, start, start_all
    from notifications_hub.jobs.job_task import JobTask, RunningJob, job_task
    from notifications_hub.jobs.models import Job
    from notifications_hub.jobs.outcome import Done, JobCancelled, JobFailed
    from notifications_hub.jobs.task import HubTask
    from notifications_hub.jobs.transitions import cancel
    from notifications_hub.kinds import (
        Action,
        DeliveryMethod,
        Digest,
        Kind,
        NotificationLike,
        Privacy,
        Sample,
        UnknownKind,
        Urgency,
    )
    from notifications_hub.live.connection_token import ConnectionToken, connection_token
    from notifications_hub.live.revocation import revoke
    from notifications_hub.live.start_cursor import start_cursor
    from notifications_hub.live.topic_presence import joined, left, present
    from notifications_hub.live.topics import TopicRefused, topic
    from notifications_hub.live_lists import LiveList, live_list
    from notifications_hub.message import Message, timestamp
    from notifications_hub.notification import Notification
    from notifications_hub.notify_arguments import BadArgument, BadRecipient, NotifyError
    from notifications_hub.own_kinds import Escalation
    from notifications_hub.publishing import apublish, publish, publish_many
    from notifications_hub.rows import LiveManager, LiveQuerySet, live_rows
    from notifications_hub.signals import (
        SettledDelivery,
        delivery_settled,
        notification_acknowledged,
        notification_created,
        notification_delivered,
        notification_read,
    )
    from notifications_hub.streams import BadTopic, Event, EventTooLarge, StreamError
    from notifications_hub.system_actors import SystemActor
    from notifications_hub.transports import PutOff, TooLong, Transport, TransportError
    from notifications_hub.transports.apprise.transport import SiteApprise
    from notifications_hub.transports.email.models import stop_emails_to
    from notifications_hub.transports.email.transport import Email
    from notifications_hub.transports.own_addresses.models import Destination
    from notifications_hub.transports.own_addresses.store import add_address
    from notifications_hub.transports.own_addresses.transport import AddressRefused
    from notifications_hub.transports.webhook.transport import SiteWebhook
    from notifications_hub.web.client_ip import client_ip
    from notifications_hub.web.text import is_blank, is_storable, isolated, validate_visible
    from notifications_hub.web.throttle import check_rate, throttle_key, wait_in_words
    from notifications_hub.wsgi import checked_application

__all__ = [
    "Action",
    "ActionRefused",
    "AddressRefused",
    "After",
    "Announcement",
    "BadArgument",
    "BadJob",
    "BadRecipient",
    "BadTopic",
    "Banner",
    "ConnectionToken",
    "DeliveryMethod",
    "Destination",
    "Digest",
    "Done",
    "Email",
    "Escalation",
    "Event",
    "EventTooLarge",
    "FollowError",
    "FollowReason",
    "Followers",
    "HubTask",
    "Job",
    "JobCancelled",
    "JobError",
    "JobFailed",
    "JobTask",
    "Kind",
    "LiveList",
    "LiveManager",
    "LiveQuerySet",
    "Message",
    "NotFollowable",
    "Notification",
    "NotificationExtension",
    "NotificationGroup",
    "NotificationLike",
    "NotifyError",
    "Privacy",
    "PutOff",
    "RunningJob",
    "Sample",
    "SettledDelivery",
    "SiteApprise",
    "SiteWebhook",
    "Storm",
    "StreamError",
    "SystemActor",
    "TooLong",
    "TopicRefused",
    "Transport",
    "TransportError",
    "UnknownAudience",
    "UnknownKind",
    "Urgency",
    "add_address",
    "apublish",
    "auto_follow",
    "broadcast",
    "cancel",
    "check_rate",
    "checked_application",
    "client_ip",
    "connection_token",
    "delivery_settled",
    "follow",
    "followable",
    "followers_of",
    "is_blank",
    "is_following",
    "is_storable",
    "isolated",
    "job_task",
    "joined",
    "left",
    "live_application",
    "live_list",
    "live_rows",
    "live_url",
    "make_service_token",
    "mute",
    "notification_acknowledged",
    "notification_created",
    "notification_delivered",
    "notification_read",
    "present",
    "publish",
    "publish_many",
    "revoke",
    "start",
    "start_all",
    "start_cursor",
    "stop_emails_to",
    "throttle_key",
    "timestamp",
    "topic",
    "unfollow",
    "unmute",
    "validate_visible",
    "wait_in_words",
    "withdraw",
]

_HOMES = {
    "Action": "notifications_hub.kinds",
    "ActionRefused": "notifications_hub.actions.running",
    "AddressRefused": "notifications_hub.transports.own_addresses.transport",
    "After": "notifications_hub.escalation.after",
    "Announcement": "notifications_hub.announcements.models",
    "BadArgument": "notifications_hub.notify_arguments",
    "BadJob": "notifications_hub.jobs.enqueue",
    "BadRecipient": "notifications_hub.notify_arguments",
    "BadTopic": "notifications_hub.streams",
    "Banner": "notifications_hub.announcements.banners.rules",
    "ConnectionToken": "notifications_hub.live.connection_token",
    "DeliveryMethod": "notifications_hub.kinds",
    "Digest": "notifications_hub.kinds",
    "Destination": "notifications_hub.transports.own_addresses.models",
    "Done": "notifications_hub.jobs.outcome",
    "Email": "notifications_hub.transports.email.transport",
    "Escalation": "notifications_hub.own_kinds",
    "Event": "notifications_hub.streams",
    "EventTooLarge": "notifications_hub.streams",
    "FollowError": "notifications_hub.following.followed",
    "FollowReason": "notifications_hub.following.reasons",
    "Followers": "notifications_hub.following.recipients",
    "HubTask": "notifications_hub.jobs.task",
    "Job": "notifications_hub.jobs.models",
    "JobCancelled": "notifications_hub.jobs.outcome",
    "JobError": "notifications_hub.jobs.enqueue",
    "JobFailed": "notifications_hub.jobs.outcome",
    "JobTask": "notifications_hub.jobs.job_task",
    "Kind": "notifications_hub.kinds",
    "LiveList": "notifications_hub.live_lists",
    "LiveManager": "notifications_hub.rows",
    "LiveQuerySet": "notifications_hub.rows",
    "Message": "notifications_hub.message",
    "NotFollowable": "notifications_hub.following.followed",
    "Notification": "notifications_hub.notification",
    "NotificationExtension": "notifications_hub.extension",
    "NotificationGroup": "notifications_hub.grouping.group",
    "NotificationLike": "notifications_hub.kinds",
    "NotifyError": "notifications_hub.notify_arguments",
    "Privacy": "notifications_hub.kinds",
    "PutOff": "notifications_hub.transports",
    "Sample": "notifications_hub.kinds",
    "SettledDelivery": "notifications_hub.signals",
    "SiteApprise": "notifications_hub.transports.apprise.transport",
    "SiteWebhook": "notifications_hub.transports.webhook.transport",
    "RunningJob": "notifications_hub.jobs.job_task",
    "Storm": "notifications_hub.grouping.storm",
    "StreamError": "notifications_hub.streams",
    "SystemActor": "notifications_hub.system_actors",
    "TooLong": "notifications_hub.transports",
    "TopicRefused": "notifications_hub.live.topics",
    "Transport": "notifications_hub.transports",
    "TransportError": "notifications_hub.transports",
    "UnknownAudience": "notifications_hub.audiences",
    "UnknownKind": "notifications_hub.kinds",
    "Urgency": "notifications_hub.kinds",
    "add_address": "notifications_hub.transports.own_addresses.store",
    "apublish": "notifications_hub.publishing",
    "auto_follow": "notifications_hub.following.rules",
    "broadcast": "notifications_hub.announcements.announce",
    "cancel": "notifications_hub.jobs.transitions",
    "check_rate": "notifications_hub.web.throttle",
    "checked_application": "notifications_hub.wsgi",
    "client_ip": "notifications_hub.web.client_ip",
    "delivery_settled": "notifications_hub.signals",
    "connection_token": "notifications_hub.live.connection_token",
    "follow": "notifications_hub.following.follows",
    "followable": "notifications_hub.following.followed",
    "followers_of": "notifications_hub.following.recipients",
    "is_blank": "notifications_hub.web.text",
    "is_following": "notifications_hub.following.follows",
    "is_storable": "notifications_hub.web.text",
    "isolated": "notifications_hub.web.text",
    "joined": "notifications_hub.live.topic_presence",
    "left": "notifications_hub.live.topic_presence",
    "job_task": "notifications_hub.jobs.job_task",
    "live_application": "notifications_hub.asgi",
    "live_list": "notifications_hub.live_lists",
    "live_rows": "notifications_hub.rows",
    "live_url": "notifications_hub.inbox.links",
    "make_service_token": "notifications_hub.ingest.tokens",
    "notification_acknowledged": "notifications_hub.signals",
    "mute": "notifications_hub.following.follows",
    "notification_created": "notifications_hub.signals",
    "notification_delivered": "notifications_hub.signals",
    "notification_read": "notifications_hub.signals",
    "present": "notifications_hub.live.topic_presence",
    "publish": "notifications_hub.publishing",
    "publish_many": "notifications_hub.publishing",
    "revoke": "notifications_hub.live.revocation",
    "start": "notifications_hub.jobs.enqueue",
    "start_all": "notifications_hub.jobs.enqueue",
    "start_cursor": "notifications_hub.live.start_cursor",
    "stop_emails_to": "notifications_hub.transports.email.models",
    "throttle_key": "notifications_hub.web.throttle",
    "timestamp": "notifications_hub.message",
    "topic": "notifications_hub.live.topics",
    "unfollow": "notifications_hub.following.follows",
    "unmute": "notifications_hub.following.follows",
    "validate_visible": "notifications_hub.web.text",
    "wait_in_words": "notifications_hub.web.throttle",
    "withdraw": "notifications_hub.announcements.announce",
}


def __getattr__(name: str) -> Any:
    # Most of their modules hold models, which may be imported only once Django is set up.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
