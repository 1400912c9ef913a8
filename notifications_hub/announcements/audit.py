"""The audit trail of announcements: every step and who took it. Rows are added, and never changed or deleted.

    audit.record(announcement, audit.Step.STOPPED, by=request.user)

A step commits or rolls back with the caller's transaction. It keeps names and keys as text and has no foreign key, so
it survives the announcement and the person. `seals` notices what was changed behind Django's back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications_hub.announcements.seals.models import StepSeal, look
from notifications_hub.database import transaction
from notifications_hub.database.primary import HubModel, PrimaryManager
from notifications_hub.users import Person, person_key
from notifications_hub.web.text import isolated, storable

if TYPE_CHECKING:
    from notifications_hub.announcements.models import Announcement

LONGEST_VALUE = 200
"""Characters that a step keeps of each value."""
MOST_VALUES = 100
"""Values that a step keeps of each list."""
LONGEST_DETAILS = 8000
"""Characters of all details as JSON. Of larger ones only the names are kept."""


class Step(models.TextChoices):
    """Something that happened to an announcement. Elsewhere some of these words name a time, so they have a context."""

    WRITTEN = "written", pgettext_lazy("step", "written")
    EDITED = "edited", pgettext_lazy("step", "edited")
    SUBMITTED = "submitted", pgettext_lazy("step", "sent for approval")
    APPROVED = "approved", pgettext_lazy("step", "approved")
    SENT_BACK = "sent_back", pgettext_lazy("step", "sent back")
    ANNOUNCED = "announced", pgettext_lazy("step", "announced")
    PAUSED = "paused", pgettext_lazy("step", "paused")
    RESUMED = "resumed", pgettext_lazy("step", "resumed")
    STOPPED = "stopped", pgettext_lazy("step", "stopped")
    WITHDRAWN = "withdrawn", pgettext_lazy("step", "withdrawn")
    TAKEN_BACK = "taken_back", pgettext_lazy("step", "taken back")
    ENDED = "ended", pgettext_lazy("step", "ended")
    DELETED = "deleted", pgettext_lazy("step", "deleted")
    TEST_SENT = "test_sent", pgettext_lazy("step", "test sent")
    DUPLICATED = "duplicated", pgettext_lazy("step", "duplicated")
    REMINDED = "reminded", pgettext_lazy("step", "reminder sent")
    CORRECTION_PROPOSED = "proposed", pgettext_lazy("step", "correction proposed")
    CORRECTION_REFUSED = "refused", pgettext_lazy("step", "correction refused")


class Source(models.TextChoices):
    """The door that a step came through."""

    ADMIN = "admin", _("admin")
    CODE = "code", _("code")
    COMMAND = "command", _("command")
    SYSTEM = "system", _("on time")


_source: ContextVar[Source] = ContextVar("notifications_hub_audit_source", default=Source.CODE)


@contextmanager
def coming_from(source: Source) -> Iterator[None]:
    """Record the steps of a block, or of a decorated function, as coming from this source. The default is code."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


class AppendOnlyError(TypeError):
    """Raised by an attempt to change or delete a step of the audit trail."""


def _refuse(*args: object, **kwargs: object) -> NoReturn:
    raise AppendOnlyError("The audit trail of announcements is append-only. Add a step with audit.record() instead.")


class StepQuerySet(models.QuerySet["AnnouncementStep"]):
    """A queryset that reads and adds. Every way to change or delete rows raises `AppendOnlyError`."""

    def bulk_create(self, objs: Iterable[AnnouncementStep], *args: Any, **kwargs: Any) -> list[AnnouncementStep]:
        if kwargs.get("update_conflicts") or len(args) > 2:
            _refuse()
        with transaction.atomic():
            steps = super().bulk_create(objs, *args, **kwargs)
            StepSeal.objects.bulk_create([StepSeal.waiting_for(step.pk) for step in steps])
            transaction.on_commit(look.soon)
        return steps

    update = delete = bulk_update = update_or_create = _raw_delete = _refuse
    aupdate = adelete = abulk_update = aupdate_or_create = _refuse


StepManager = PrimaryManager.from_queryset(StepQuerySet)


class AnnouncementStep(HubModel):
    """One step. `person_key` and `announcement_key` are primary keys as text, of rows that may be gone."""

    announcement_key = models.CharField(max_length=64, editable=False)
    title = models.CharField(_("announcement"), max_length=120, editable=False)
    # Without choices, so that a new step needs no migration.
    step = models.CharField(_("step"), max_length=20, editable=False)
    source = models.CharField(_("source"), max_length=10, editable=False)
    person_key = models.CharField(max_length=64, blank=True, editable=False)
    person_name = models.CharField(_("by"), max_length=255, blank=True, editable=False)
    details = models.JSONField(_("details"), default=dict, editable=False)
    at = models.DateTimeField(_("time"), default=timezone.now, editable=False)

    objects = StepManager()  # type: ignore[misc]

    class Meta(HubModel.Meta):
        verbose_name = _("announcement step")
        verbose_name_plural = _("announcement steps")
        # The steps are kept for ever; a page shows those of one announcement.
        indexes = [models.Index(fields=["announcement_key", "id"], name="hub_step_announcement")]
        # Staff may view them. Nobody may add, change or delete one.
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{isolated(self.title)}: {self.step_in_words}"

    @property
    def step_in_words(self) -> str:
        return str(Step(self.step).label) if self.step in Step.values else self.step

    @property
    def source_in_words(self) -> str:
        return str(Source(self.source).label) if self.source in Source.values else self.source

    def save(self, **kwargs: Any) -> None:
        """Insert the step. Raise `AppendOnlyError` if it is stored already."""
        if not self._state.adding:
            _refuse()
        with transaction.atomic():
            # Also one that is given the key of a stored step changes nothing: the database refuses it.
            super().save(**{**kwargs, "force_insert": True})
            # `seals.chain` gives it its place, once this is committed.
            StepSeal.waiting_for(self.pk).save(force_insert=True)
            transaction.on_commit(look.soon)

    delete = _refuse


def record(announcement: Announcement, step: Step, *, by: Person | None = None, **details: Any) -> None:
    """Add a step to the trail, in the caller's transaction. Long texts among the details are cut.

    `by` is the person who took it; None if code or the clock did.
    """
    AnnouncementStep.objects.create(
        announcement_key=str(announcement.pk),
        title=announcement.title,
        step=step,
        source=_source.get(),
        person_key="" if by is None or by.pk is None else person_key(by.pk),
        person_name="" if by is None else storable(str(by.get_username()), 255),
        details=_bounded(details),
    )


def steps_of(announcement: Announcement) -> models.QuerySet[AnnouncementStep]:
    """Return the steps of an announcement, newest first."""
    return AnnouncementStep.objects.filter(announcement_key=str(announcement.pk)).order_by("-pk")


def _bounded(details: Mapping[str, Any]) -> Mapping[str, Any]:
    cut = {name: _cut(value) for name, value in details.items()}
    if len(json.dumps(cut)) <= LONGEST_DETAILS:
        return cut
    return {name: sorted(value)[:MOST_VALUES] if isinstance(value, Mapping) else "…" for name, value in cut.items()}


def _cut(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {_cut(str(name)): _cut(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cut(one) for one in value[:MOST_VALUES]]
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    plain = storable(text, len(text))
    return plain if len(plain) <= LONGEST_VALUE else f"{plain[: LONGEST_VALUE - 1]}…"
