"""One row per announcement, for an audience of any size. People's own rows copy no words, so an edit reaches all."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from notifications.base.models import AbstractNotification

from notifications_hub.announcements.banners import rules as banner_rules
from notifications_hub.announcements.markdown import is_shortened, shortened
from notifications_hub.announcements.methods import all_methods, has_toast
from notifications_hub.announcements.queryset import KIND, AnnouncementManager, AnnouncementState
from notifications_hub.announcements.validation import (
    MAX_BODY,
    MAX_TITLE,
    check_times,
    check_words,
    checked_link,
    is_too_long,
)
from notifications_hub.audiences import EVERYONE
from notifications_hub.conf import hub_settings
from notifications_hub.database.primary import HubModel
from notifications_hub.kinds import Urgency, kind_of, open_and_read
from notifications_hub.message import Item, Message, time_to_live, to_confirm
from notifications_hub.streams.models import EventTooLarge, encode_data
from notifications_hub.web.outside_links import BadLink, Link, read_link
from notifications_hub.web.text import balanced, isolated

_LONGEST_ID = "a9223372036854775807"

_URGENCY_WORDS = {
    Urgency.VERY_LOW: _("very low: can wait for days"),
    Urgency.LOW: _("low: can wait for a charger"),
    Urgency.NORMAL: _("normal"),
    Urgency.HIGH: _("high: may wake a sleeping phone"),
    Urgency.CRITICAL: _("critical: reaches people whatever they prefer"),
}
# django-notifications has its levels in English only. The same words are translated in our catalogues.
_LEVELS = (gettext_noop("Success"), gettext_noop("Info"), gettext_noop("Warning"), gettext_noop("Error"))


def _month_from_now() -> datetime:
    return datetime.now(UTC) + timedelta(days=hub_settings.announcement_days)


class Announcement(HubModel):
    """An announcement to an audience. It is in the inbox of each member from `starts_at` to `ends_at`."""

    title = models.CharField(_("title"), max_length=MAX_TITLE)
    body = models.TextField(
        _("text"),
        blank=True,
        max_length=MAX_BODY,
        validators=[MaxLengthValidator(MAX_BODY)],
        help_text=_("Markdown: **bold**, *emphasis*, lists, [words](/a/link/)."),
    )
    url = models.CharField(
        _("link"), max_length=2000, blank=True, help_text=_("A path of this site, like /posts/9/, or https://…")
    )
    level = models.CharField(
        _("level"), max_length=20, choices=AbstractNotification.LEVELS.choices, default=AbstractNotification.LEVELS.info
    )
    urgency = models.CharField(
        _("urgency"),
        max_length=10,
        choices=[(value.value, words) for value, words in _URGENCY_WORDS.items()],
        default=Urgency.NORMAL.value,
    )
    audience = models.CharField(_("audience"), max_length=200, default=EVERYONE)
    # Names of delivery methods. None: those that each person wants for announcements.
    methods = models.JSONField(_("delivery methods"), null=True, blank=True, default=None)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    last_editor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("last editor"),
    )
    is_draft = models.BooleanField(_("draft"), default=False)
    # Sent to its author only, to see how it looks.
    is_test = models.BooleanField(_("test"), default=False, editable=False)
    # A second person must approve it before it is announced.
    awaits_approval = models.BooleanField(_("awaits approval"), default=False, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True, editable=False)
    must_acknowledge = models.BooleanField(
        _("people must confirm it"),
        default=False,
        db_default=False,
        help_text=_("It stays on top of their notifications until they press “Confirm”."),
    )
    is_banner = models.BooleanField(_("banner"), default=False)
    banner_paths = models.TextField(_("paths of the banner"), blank=True, max_length=2000)
    is_banner_dismissable = models.BooleanField(_("people can dismiss the banner"), default=True)
    is_banner_public = models.BooleanField(_("banner for visitors who are not signed in"), default=False)
    starts_at = models.DateTimeField(_("starts"), default=timezone.now)
    ends_at = models.DateTimeField(_("ends"), default=_month_from_now)
    announced_at = models.DateTimeField(_("announced"), null=True, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)
    # The sequence number of its event on the audience's topic. Acknowledgements of that topic cover it by number.
    seq = models.BigIntegerField(null=True, editable=False)
    created = models.DateTimeField(_("written"), auto_now_add=True)
    # Identifies the submitted form, so that a second click creates no second announcement.
    submission = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)

    objects = AnnouncementManager()  # type: ignore[misc]

    class Meta(HubModel.Meta):
        ordering = ("-starts_at", "-id")
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        permissions = [("broadcast", _("Can announce to people"))]
        # Ended and withdrawn ones stay for ever. The first two skip them, for what each second and each page asks.
        indexes = [
            models.Index(fields=["ends_at"], condition=models.Q(withdrawn_at=None), name="hub_announcement_ends"),
            models.Index(
                fields=["audience", "seq"],
                condition=models.Q(announced_at__isnull=False, withdrawn_at=None),
                name="hub_announcement_current",
            ),
            models.Index(fields=["audience", "seq"], name="hub_announcement_seq"),
        ]

    def __str__(self) -> str:
        return isolated(self.title)

    def clean(self) -> None:
        check_words(self.title, self.body)
        check_times(self.starts_at, self.ends_at)
        self.url = checked_link(self.url)
        banner_rules.validate(self)
        # One that was announced may name a transport that the site has removed since.
        if not self.announced_at and (unknown := set(self.methods or ()) - set(all_methods())):
            known = ", ".join(all_methods())
            raise ValidationError({"methods": f"{', '.join(sorted(unknown))}: choose from {known}."})
        self.check_size([])

    def check_size(self, translations: Collection[AnnouncementTranslation]) -> None:
        """Raise `ValidationError` if the words in all languages together are too large for one event."""
        texts = [(self.title, self.body), *((row.title, row.body) for row in translations)]
        if any(is_too_long(title, body) for title, body in texts):
            # Each field says so. To render a megabyte would take seconds.
            return
        words = {row.language: row.words_json() for row in translations}
        for title, body in texts:
            message = Message(
                id=_LONGEST_ID,
                kind=KIND,
                title=title,
                body=shortened(body or ""),
                url=self.link.url,
                leads_to=self.link.url,
                level=self.level,
                icon=kind_of(KIND).icon,
                tag=_LONGEST_ID,
            )
            try:
                banner = banner_rules.as_json(self)
                encode_data(Item(message=message, at=timezone.now(), translations=words, banner=banner).as_json())
            except EventTooLarge:
                raise ValidationError(_("All languages together are too long. Please shorten some of them.")) from None

    @property
    def state(self) -> AnnouncementState:
        if self.withdrawn_at and self.withdrawn_at < self.ends_at:
            return AnnouncementState.WITHDRAWN
        if self.is_draft:
            return AnnouncementState.DRAFT
        if self.ends_at <= timezone.now():
            return AnnouncementState.ENDED
        if self.announced_at:
            return AnnouncementState.RUNNING
        return AnnouncementState.AWAITING if self.awaits_approval else AnnouncementState.PLANNED

    @property
    def is_over(self) -> bool:
        return self.withdrawn_at is not None or self.ends_at <= timezone.now()

    @property
    def item_id(self) -> str:
        return f"a{self.pk}"

    @property
    def link(self) -> Link:
        """Return its link, or an empty one if a row was changed behind the checks."""
        try:
            return read_link(self.url)
        except BadLink:
            return Link("")

    def own_page(self) -> str:
        """Return the path of its own page, for its audience; empty on a site without the hub's pages."""
        try:
            return reverse("notifications_hub:announcement", args=[self.pk]) if self.pk else ""
        except NoReverseMatch:
            return ""

    def target(self) -> str:
        """Return the page of this site that it leads to. A link to another site and a long text are on its own page."""
        link = self.link
        if link.url and not link.host:
            return link.url
        return self.own_page() if link.host or is_shortened(self.body) else ""

    def message(self) -> Message:
        """Return the message in the active language, or as it was written if there is no translation."""
        language = translation.get_language() or settings.LANGUAGE_CODE
        title, body = self._words(language)
        link = self.link
        message = Message(
            id=self.item_id,
            kind=KIND,
            title=balanced(title),
            body=shortened(body),
            url=self.opening_url(),
            leads_to=link.url if link.host else "",
            level=self.level,
            icon=kind_of(KIND).icon,
            tag=self.item_id,
            urgency=Urgency(self.urgency),
            ttl=self._time_to_live(),
            privacy=kind_of(KIND).privacy,
            actions=tuple(open_and_read()),
            language=language,
        )
        return to_confirm(message, self.own_page()) if self.must_acknowledge else message

    def opening_url(self) -> str:
        """Return the address that records a click and leads on. A draft's preview shows the page itself."""
        target = self.target()
        if not target or self._state.adding:
            return target
        try:
            return reverse("notifications_hub:open", args=[self.item_id])
        except NoReverseMatch:
            return target

    def _time_to_live(self) -> int:
        """Return the kind's seconds, or fewer: no push may appear after the announcement has ended."""
        runs = self.ends_at - (self.announced_at or self.starts_at)
        return max(1, min(time_to_live(kind_of(KIND).ttl), int(runs.total_seconds())))

    def markdown(self) -> str:
        """Return the Markdown text in the active language."""
        return self._words(translation.get_language() or settings.LANGUAGE_CODE)[1]

    def has_toast(self) -> bool:
        return has_toast(self.methods)

    def item(self) -> Item:
        """Render the announcement for a person who has no row for it yet."""
        return Item(
            message=self.message(),
            at=self.announced_at or self.starts_at,
            toast=self.has_toast(),
            translations=self.translations_json(),
            banner=banner_rules.as_json(self),
        )

    def translations_json(self) -> Mapping[str, Mapping[str, str]]:
        return {row.language: row.words_json() for row in self.translations.all()}

    def _words(self, language: str) -> tuple[str, str]:
        if self._state.adding:
            return self.title, self.body
        translated = {row.language: (row.title, row.body) for row in self.translations.all()}
        plainer = language.partition("-")[0]
        return translated.get(language) or translated.get(plainer) or (self.title, self.body)


class RowsThrough(HubModel):
    """The number of an audience up to which a person has rows. A page looks only at later announcements.

    A number is given after the commit, in order, so a statement that reads one also sees all lower announcements. One
    whose number is not recorded yet is asked for each time.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    audience = models.CharField(max_length=200)
    seq = models.BigIntegerField()

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["person", "audience"], name="hub_rows_through_once")]

    def __str__(self) -> str:
        return f"{self.audience} through {self.seq}"


class AnnouncementTranslation(HubModel):
    announcement = models.ForeignKey(Announcement, on_delete=models.CASCADE, related_name="translations")
    language = models.CharField(_("language"), max_length=20)
    title = models.CharField(_("title"), max_length=MAX_TITLE)
    body = models.TextField(_("text"), blank=True, max_length=MAX_BODY, validators=[MaxLengthValidator(MAX_BODY)])

    class Meta(HubModel.Meta):
        verbose_name = _("translation")
        verbose_name_plural = _("translations")
        constraints = [models.UniqueConstraint(fields=["announcement", "language"], name="hub_translation_once")]

    def __str__(self) -> str:
        return f"{self.language}: {self.title}"

    def clean(self) -> None:
        check_words(self.title, self.body)

    def words_json(self) -> dict[str, str]:
        return {"title": balanced(self.title), "body": shortened(self.body)}
