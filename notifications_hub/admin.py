"""The hub in Django's admin: announcements can be written, everything else is read-only."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Any

# Imported first: django-notifications registers our model with its own admin, which makes several queries per row.
import notifications.admin
from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.contrib.auth import get_permission_codename
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from notifications_hub.admin_base import ChoiceFilter, ReadOnlyAdmin
from notifications_hub.admin_guards import PrivateContent
from notifications_hub.admin_lists import PersonSearch, first_keys
from notifications_hub.announcements.admin_pages.announcement_admin import AnnouncementAdmin
from notifications_hub.announcements.admin_pages.history import StepAdmin
from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.models import Announcement
from notifications_hub.confirmations.admin_pages.kind_page import KindConfirmationPage
from notifications_hub.delivery.history import browser_names, steps_of
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import reason_in_words
from notifications_hub.escalation.history import escalation_steps
from notifications_hub.extension import NotificationExtension, columns_of, extension_models, extension_of, joins
from notifications_hub.ingest.admin_page import ServiceTokenAdmin
from notifications_hub.ingest.models import ServiceToken
from notifications_hub.jobs.models import Job
from notifications_hub.kinds import IMPORTED, DeliveryMethod, all_kinds, method_name
from notifications_hub.notification import Notification
from notifications_hub.quiet_hours.models import QuietHours
from notifications_hub.quiet_hours.schedule_admin import QuietHoursAdmin
from notifications_hub.streams.models import Stream
from notifications_hub.system_actors import actor_label
from notifications_hub.transports import transport_names
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.use.admin_pages.use_page import UseAdmin
from notifications_hub.use.models import KindUse

_HOST_COLUMNS = ("host_columns",) if extension_models() else ()


class KindFilter(ChoiceFilter):
    title = _("kind")
    parameter_name = column = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.name, str(kind.label or kind.name)) for kind in all_kinds()]


class DeliveredFilter(ChoiceFilter):
    title = _("delivery method")
    parameter_name = column = "delivered_by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        methods = dict.fromkeys([*(method.value for method in DeliveryMethod), *transport_names(), IMPORTED])
        return [("", str(_("not delivered yet"))), *((method, method_name(method)) for method in methods)]


class TransportFilter(ChoiceFilter):
    title = _("transport")
    parameter_name = column = "transport"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, method_name(name)) for name in transport_names()]


@admin.action(description=_("Mark selected notifications as unread"), permissions=["mark"])
def mark_unread(model_admin: Any, request: HttpRequest, rows: Any) -> None:
    count = rows.mark_all_as_unread()
    words = ngettext("Marked %(count)d notification as unread.", "Marked %(count)d notifications as unread.", count)
    model_admin.message_user(request, words % {"count": count})


_STORED = ("actor_name", "what", "action_object_name", "target_name", "data", "dedupe_key", *_HOST_COLUMNS)


class NotificationAdmin(KindConfirmationPage, PersonSearch[Model], PrivateContent[Model], ReadOnlyAdmin):
    """The columns, filters and action of django-notifications' admin, plus how each notification was delivered."""

    content = frozenset(
        {"title", "body", "url", "actor", "actor_name", "what", "target", "target_name", "data", "dedupe_key"}
        | {"action_object_name", *_HOST_COLUMNS}
    )
    actions = (mark_unread,)
    # In the order that a reader asks for. admin.css hides the last columns first where there is no room.
    list_display = (
        *("title", "recipient", "timestamp", "delivered", "deliveries_badges", "unread"),
        *("actor", "level", "target", "kind", "public"),
        *_HOST_COLUMNS,
    )
    list_filter = (KindFilter, DeliveredFilter, "level", "unread", "public", "timestamp")
    list_select_related = ("recipient", "announcement")
    ordering = ("-pk",)
    raw_id_fields = ("recipient",)
    fieldsets = (
        (None, {"fields": ("title", "body", "url", "level", "recipient", "kind", "timestamp", "unread", "public")}),
        (_("Delivery history"), {"fields": ("story",)}),
        (_("Stored values"), {"fields": _STORED}),
    )

    def has_mark_permission(self, request: HttpRequest) -> bool:
        """Return whether the viewer may change notifications. Marking is the only change made by hand."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")

    def rows_of(self, person: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(recipient=person).order_by("-timestamp", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).prefetch_related("deliveries", "announcement__translations")
        return rows.select_related(*self.list_select_related, *joins())

    @admin.display(description=_("title"))
    def title(self, notification: Notification) -> str:
        return notification.message_without_result().title

    # Uses the stored names: loading the objects would cost one query per model.
    @admin.display(description=_("actor"))
    def actor(self, notification: Notification) -> str:
        return actor_label(notification)

    @admin.display(description=_("target"))
    def target(self, notification: Notification) -> str:
        return notification.target_name

    @admin.display(description=_("verb"))
    def what(self, notification: Notification) -> str:
        return notification.verb

    @admin.display(description=_("text"))
    def body(self, notification: Notification) -> str:
        return notification.message_without_result().body

    @admin.display(description=_("added by this site"))
    def host_columns(self, notification: Notification) -> str:
        row = extension_of(notification)
        if row is None or row.pk is None:
            return "—"
        words = ((field.verbose_name, display_for_value(_shown(row, field), "—")) for field in columns_of(type(row)))
        return format_html_join(", ", "{}: {}", words)

    @admin.display(description=_("delivered"), ordering="delivered_at")
    def delivered(self, notification: Notification) -> str:
        if notification.delivered_at is None:
            return "—"
        return f"{_moment(notification.delivered_at)}, {method_name(notification.delivered_by)}"

    @admin.display(description=_("deliveries"))
    def deliveries_badges(self, notification: Notification) -> SafeString | str:
        rows = (
            (one.state, method_name(one.transport), one.get_state_display()) for one in notification.deliveries.all()
        )
        badges = format_html_join(" ", '<span class="hub-state" data-state="{}">{}: {}</span>', rows)
        return badges or "—"

    @admin.display(description=_("history"))
    def story(self, notification: Notification) -> SafeString:
        steps = sorted([*steps_of(notification), *escalation_steps(notification)], key=attrgetter("at"))
        lines = ((step.at.isoformat(), _second(step.at), step.words) for step in steps)
        return format_html(
            '<ol class="hub-story">{}</ol>',
            format_html_join("", '<li><time datetime="{}">{}</time> <span>{}</span></li>', lines),
        )


class DeliveryAdmin(PersonSearch[Model], PrivateContent[Model], ReadOnlyAdmin):
    content = frozenset({"title"})
    list_display = ("title", "person", "method", "state_badge", "why", "attempts", "due_at", "settled_at")
    list_filter = (TransportFilter, "state")
    list_select_related = ("notification__recipient", "notification__announcement")
    raw_id_fields = ("notification",)
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("title", "person", "method", "where", "state_badge", "why", "attempts")}),
        (_("Times"), {"fields": ("created", "due_at", "settled_at")}),
        (_("Delivery history"), {"fields": ("story",)}),
    )

    def rows_of(self, person: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        theirs = Notification.objects.filter(recipient=person).order_by("-timestamp", "-id")
        return rows.filter(notification__in=first_keys(theirs)).order_by("-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).prefetch_related("notification__announcement__translations")
        return rows.select_related(*self.list_select_related, *(f"notification__{name}" for name in joins()))

    @admin.display(description=_("notification"))
    def title(self, delivery: Delivery) -> str:
        return delivery.notification.message_without_result().title

    @admin.display(description=_("recipient"))
    def person(self, delivery: Delivery) -> str:
        return str(delivery.notification.recipient)

    @admin.display(description=_("transport"), ordering="transport")
    def method(self, delivery: Delivery) -> str:
        return method_name(delivery.transport)

    @admin.display(description=_("address"))
    def where(self, delivery: Delivery) -> str:
        # An address of another transport may be a phone number, or a link that lets anyone send.
        return browser_names([delivery]).get(delivery.pk, "—")

    @admin.display(description=_("reason"))
    def why(self, delivery: Delivery) -> str:
        return reason_in_words(delivery.reason, delivery.reason_parameters)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, delivery: Delivery) -> SafeString:
        label = DeliveryState(delivery.state).label
        return format_html('<span class="hub-state" data-state="{}">{}</span>', delivery.state, label)

    @admin.display(description=_("notification history"))
    def story(self, delivery: Delivery) -> SafeString:
        return NotificationAdmin(Notification, self.admin_site).story(delivery.notification)


class PushSubscriptionAdmin(PersonSearch[Model], ReadOnlyAdmin):
    """Browsers with push. An endpoint and its keys let anyone send to that browser, so both stay in the database."""

    list_display = ("browser", "owner", "created", "last_used", "quarantined_at")
    list_select_related = ("owner",)
    ordering = ("-pk",)
    raw_id_fields = ("owner",)
    fields = ("browser", "owner", "created", "last_used", "quarantined_at", "held_back_because")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("endpoint", "endpoint_hash", "p256dh", "auth")

    @admin.display(description=_("browser"), ordering="name")
    def browser(self, subscription: PushSubscription) -> str:
        return str(subscription)

    @admin.display(description=_("paused because"))
    def held_back_because(self, subscription: PushSubscription) -> str:
        return reason_in_words(subscription.quarantine_reason, subscription.quarantine_parameters)


class StreamAdmin(ReadOnlyAdmin):
    list_display = ("topic", "top", "pruned_through", "epoch")
    search_note = _("Search by the beginning of a topic, to see 500 of them. The list has the newest 10,000.")
    search_fields = ("topic",)
    searches_all_rows = True
    ordering = ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found = Stream.objects.filter(topic__startswith=search_term.strip()).order_by()
        return queryset.filter(pk__in=first_keys(found)) if search_term else queryset, False


class JobAdmin(PersonSearch[Model], ReadOnlyAdmin):
    """Jobs without their arguments and results, which only the owner may see."""

    list_display = ("title", "owner", "task", "state", "reason", "starts", "created", "ended_at")
    list_filter = ("state", "reason")
    list_select_related = ("owner",)
    raw_id_fields = ("owner", "parent")
    ordering = ("-created",)
    age = "created"
    fieldsets = (
        (None, {"fields": ("title", "owner", "audience", "task", "parent", "url")}),
        (_("Progress"), {"fields": ("state", "reason", "done", "total", "text", "cancel_asked")}),
        (_("Times"), {"fields": ("created", "started_at", "ended_at", "due_at", "sends", "starts", "retries")}),
    )

    def rows_of(self, person: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(owner=person).order_by("-created")


def _shown(row: NotificationExtension, field: Field[Any, Any]) -> Any:
    """Return a column as its admin would show it. A foreign key that lists do not join stays a key."""
    if field.is_relation and field.name not in row.read_with:
        return field.value_from_object(row)
    return getattr(row, f"get_{field.name}_display", lambda: getattr(row, field.name))()


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")


def _second(at: datetime) -> str:
    """Return the local time to the second. The steps of a history are often less than a minute apart."""
    local = timezone.localtime(at)
    return f"{date_format(local, 'DATE_FORMAT')} · {local:%H:%M:%S}"


if admin.site.is_registered(notifications.admin.Notification):
    admin.site.unregister(notifications.admin.Notification)
admin.site.register(Announcement, AnnouncementAdmin)
admin.site.register(Notification, NotificationAdmin)
admin.site.register(Delivery, DeliveryAdmin)
admin.site.register(PushSubscription, PushSubscriptionAdmin)
admin.site.register(Stream, StreamAdmin)
admin.site.register(Job, JobAdmin)
admin.site.register(QuietHours, QuietHoursAdmin)
admin.site.register(AnnouncementStep, StepAdmin)
admin.site.register(ServiceToken, ServiceTokenAdmin)
admin.site.register(KindUse, UseAdmin)
