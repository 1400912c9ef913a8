"""The admin's page of personal notifications that nobody has confirmed yet: by kind, and by call of `notify.send()`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from notifications_hub.admin_guards import SEE_CONTENT
from notifications_hub.admin_lists import COUNTED, find_person
from notifications_hub.confirmations.admin_pages.reminder_button import IN_A_FILE, SHOWN, ReminderLine, remind
from notifications_hub.confirmations.subjects import Subject, microseconds, moment_of, newest_first, older
from notifications_hub.database.primary import connection
from notifications_hub.kinds import all_kinds, kind_of
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.web.csv_file import csv_file

if TYPE_CHECKING:
    NotificationModelAdmin = admin.ModelAdmin[Model]
else:
    NotificationModelAdmin = object

_BEFORE = re.compile(r"(-?\d{1,18})\.(\d{1,18})", re.ASCII)
_KEY = "kind"


@dataclass(frozen=True, slots=True)
class KindLine:
    """A kind with notifications to confirm, and how many, at most one more than `COUNTED`."""

    name: str
    label: str
    number: int

    @property
    def in_words(self) -> str:
        return f"{COUNTED}+" if self.number > COUNTED else str(self.number)


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A notification to confirm. Only people who may see what others receive get its title."""

    person: str
    title: str
    at: datetime
    sent: int

    @classmethod
    def of(cls, row: Notification, *, with_title: bool) -> WaitingLine:
        title = row.message_without_result().title if with_title else ""
        return cls(str(row.recipient), title, row.timestamp, microseconds(row.timestamp))


class KindConfirmationPage(NotificationModelAdmin):
    """The view of the page, for the admin of notifications."""

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "notifications_hub_notification"
        own = path("confirmations/", view(self.confirmations_view), name=f"{name}_confirmations")
        return [own, *super().get_urls()]

    def confirmations_view(self, request: HttpRequest) -> HttpResponse:
        """List the kinds; with `?kind`, who has not confirmed, or a file of them with `?file`. A POST reminds them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if _KEY not in request.GET:
            return self._answer(request, {"kinds": kinds_to_confirm(), "title": _("Confirmations")})
        subject = _subject(request)
        if request.method == "POST":
            return remind(request, subject, self)
        with_title = request.user.has_perm(SEE_CONTENT)
        if "file" in request.GET:
            return _file(subject, _rows(request, subject)[:IN_A_FILE], with_title=with_title)
        return self._answer(request, _context(request, subject, with_title=with_title))

    def _answer(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), **context, "opts": self.opts, "media": self.media}
        return TemplateResponse(request, "admin/notifications_hub/notification/confirmations.html", context)


def kinds_to_confirm() -> list[KindLine]:
    """Return the kinds with something to confirm, counted in one statement that reads a bounded number of rows."""
    kinds = all_kinds()
    parts = [
        newest_first(Subject(kind=kind.name).unconfirmed()).values("pk")[: COUNTED + 1].query.sql_with_params()
        for kind in kinds
    ]
    counts = ", ".join(f"(SELECT count(*) FROM ({sql}) AS part{n})" for n, (sql, _given) in enumerate(parts))  # noqa: S608 -- composed by Django
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", [value for _sql, given in parts for value in given])
        numbers = cursor.fetchone()
    lines = (KindLine(kind.name, str(kind.label), number) for kind, number in zip(kinds, numbers, strict=True))
    return [line for line in lines if line.number]


def _subject(request: HttpRequest) -> Subject:
    """Return the kind, or the one call, that the address names. Raise `Http404` for an unknown one."""
    name, sent = request.GET[_KEY], request.GET.get("sent", "")
    if name not in {kind.name for kind in all_kinds()}:
        raise Http404
    try:
        return Subject(kind=name, sent_at=moment_of(sent) if sent else None)
    except ValueError:
        raise Http404 from None


def _rows(request: HttpRequest, subject: Subject) -> InboxQuerySet:
    """Return the rows that the address asks for: of one person, or those that follow a place in the list."""
    rows = newest_first(subject.unconfirmed())
    if term := request.GET.get("q", "").strip():
        key = find_person(term)
        return rows.filter(recipient=key) if key is not None else rows.none()
    if match := _BEFORE.fullmatch(request.GET.get("before", "")):
        try:
            return rows.filter(older(moment_of(match[1]), int(match[2])))
        except ValueError:
            # As for any other mistake in it, the list begins anew.
            return rows
    return rows


def _context(request: HttpRequest, subject: Subject, *, with_title: bool) -> dict[str, Any]:
    found = list(_with_words(_rows(request, subject)[: SHOWN + 1]))
    last = found[SHOWN - 1] if found[SHOWN:] else None
    kind = kind_of(subject.kind)
    return {
        "title": _("Confirmations: %(kind)s") % {"kind": kind.label or kind.name},
        "subject": subject,
        "sent": "" if subject.sent_at is None else microseconds(subject.sent_at),
        "lines": [WaitingLine.of(row, with_title=with_title) for row in found[:SHOWN]],
        "before": request.GET.get("before", ""),
        "following": f"{microseconds(last.timestamp)}.{last.pk}" if last else "",
        "with_title": with_title,
        "term": request.GET.get("q", "").strip(),
        "reminder": ReminderLine.of(request, subject, is_open=bool(found)),
    }


def _with_words(rows: InboxQuerySet) -> InboxQuerySet:
    return rows.select_related("recipient").for_items()


def _file(subject: Subject, rows: InboxQuerySet, *, with_title: bool) -> HttpResponse:
    return csv_file(f"unconfirmed-{subject.kind}", _file_rows(_with_words(rows), with_title=with_title))


def _file_rows(rows: Iterable[Notification], *, with_title: bool) -> Iterable[list[str | int]]:
    yield [_("Has not confirmed"), _("Id"), _("Sent"), *([_("Title")] if with_title else [])]
    for row in rows:
        line = WaitingLine.of(row, with_title=with_title)
        title = [line.title] if with_title else []
        yield [line.person, str(row.recipient_id), line.at.isoformat(timespec="seconds"), *title]
