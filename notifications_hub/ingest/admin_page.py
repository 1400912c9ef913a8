"""Service tokens in the admin: made, shown once, limited and revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from notifications_hub.admin_base import label_parts
from notifications_hub.admin_guards import DeclaredLookups
from notifications_hub.ingest.models import ServiceToken
from notifications_hub.ingest.tokens import revoke_tokens, save_new
from notifications_hub.kinds import Default, Kind, all_kinds

if TYPE_CHECKING:
    TokenModelAdmin = admin.ModelAdmin[ServiceToken]
    TokenModelForm = forms.ModelForm[ServiceToken]
    TokenRows = models.QuerySet[ServiceToken]
else:
    TokenModelAdmin, TokenModelForm = admin.ModelAdmin, forms.ModelForm


def _choices() -> list[tuple[str, str]]:
    """Return the kinds that services may send: those of the host, and the default one."""
    kinds = (kind for kind in all_kinds() if isinstance(kind, Default) or not _is_own(kind))
    return [(kind.name, f"{kind.label} ({kind.name})" if kind.label else kind.name) for kind in kinds]


def _is_own(kind: Kind) -> bool:
    return type(kind).__module__.startswith("notifications_hub.")


class ServiceTokenForm(TokenModelForm):
    kinds = forms.MultipleChoiceField(
        label=_("kinds"),
        choices=_choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("It may send these kinds, and no others."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label_parts(self.fields["expires_at"].widget)

    class Meta:
        model = ServiceToken
        fields = ("name", "kinds", "group", "expires_at")


@admin.action(description=_("Revoke selected tokens"), permissions=["change"])
def revoke(model_admin: Any, request: HttpRequest, tokens: TokenRows) -> None:
    number = revoke_tokens(tokens)
    words = ngettext("Revoked %(number)d token.", "Revoked %(number)d tokens.", number)
    messages.success(request, words % {"number": number})


class ServiceTokenAdmin(DeclaredLookups[ServiceToken], TokenModelAdmin):
    """A new token is shown once. Later, staff can change what it may send, or revoke it."""

    form = ServiceTokenForm
    actions = (revoke,)
    list_display = ("name", "beginning", "state", "kinds_in_words", "group", "last_used", "by", "created")
    list_select_related = ("group", "by")
    readonly_fields = ("beginning", "state", "by", "created", "last_used")
    ordering = ("-pk",)

    def get_fields(self, request: HttpRequest, obj: ServiceToken | None = None) -> tuple[str, ...]:
        return ("name", "kinds", "group", "expires_at", *(self.readonly_fields if obj else ()))

    @admin.display(description=_("state"))
    def state(self, token: ServiceToken) -> str:
        if token.revoked_at is not None:
            return gettext("revoked")
        is_over = token.expires_at is not None and token.expires_at <= timezone.now()
        return gettext("expired") if is_over else gettext("valid")

    @admin.display(description=_("kinds"))
    def kinds_in_words(self, token: ServiceToken) -> str:
        return ", ".join(token.kinds)

    def save_model(self, request: HttpRequest, obj: ServiceToken, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.by = request.user  # type: ignore[assignment]
        # For the page that follows in this request.
        obj.secret = save_new(obj)  # type: ignore[attr-defined]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        response = super().add_view(request, form_url, extra_context)
        add_never_cache_headers(response)
        return response

    def response_add(
        self, request: HttpRequest, obj: ServiceToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the token. It is in no session, log or message."""
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": gettext("Service token")}
        secret: str = obj.secret  # type: ignore[attr-defined]
        context |= {"token": obj, "secret": secret, "media": self.media, "address": _address(request)}
        return TemplateResponse(request, "admin/notifications_hub/servicetoken/made.html", context)

    def has_delete_permission(self, request: HttpRequest, obj: ServiceToken | None = None) -> bool:
        return False


def _address(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("notifications_hub_api:notify"))
