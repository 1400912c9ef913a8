"""The page of all kinds, for staff. With `DEBUG` it is for everyone, so that developers need no account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from notifications_hub.catalogue.entries import entry_of
from notifications_hub.catalogue.languages import language_name, shown_languages
from notifications_hub.kinds import all_kinds, method_name
from notifications_hub.transports import transport_names
from notifications_hub.web.developer_pages import ask_to_sign_in

SIDE_BY_SIDE = 3
"""The most languages that the page shows at once. A site with more has a switch for the others."""
SCHEMES = ("light", "dark")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One link of a switch."""

    label: str
    query: str
    is_current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The choices of a page. Empty: every kind, the first languages, both colour schemes."""

    kind: str = ""
    language: str = ""
    scheme: str = ""

    @classmethod
    def by(cls, request: HttpRequest, languages: list[str]) -> Self:
        language, scheme = request.GET.get("language", ""), request.GET.get("scheme", "")
        return cls(
            kind=request.GET.get("kind", ""),
            language=language if language in languages else "",
            scheme=scheme if scheme in SCHEMES else "",
        )

    def choice(self, label: str, **change: str) -> Choice:
        query = {"kind": self.kind, "language": self.language, "scheme": self.scheme, **change}
        is_current = all(getattr(self, name) == value for name, value in change.items())
        given = {name: value for name, value in query.items() if value}
        return Choice(label=label, query=f"?{urlencode(given)}", is_current=is_current)

    def scheme_choices(self) -> list[Choice]:
        return [
            self.choice(_("Light and dark"), scheme=""),
            self.choice(_("Light"), scheme="light"),
            self.choice(_("Dark"), scheme="dark"),
        ]


@login_not_required
@require_safe
@cache_control(no_store=True, private=True)
def kinds(request: HttpRequest) -> HttpResponse:
    if refusal := ask_to_sign_in(request):
        return refusal
    languages = shown_languages()
    chosen = Chosen.by(request, languages)
    shown = [chosen.language] if chosen.language else languages[:SIDE_BY_SIDE]
    every = all_kinds()
    listed = [kind for kind in every if not chosen.kind or kind.name == chosen.kind]
    if not listed:
        raise Http404(f"There is no kind {chosen.kind!r}.")
    context = {
        "entries": [entry_of(kind, shown) for kind in listed],
        "languages": shown,
        "schemes": [chosen.scheme] if chosen.scheme else list(SCHEMES),
        "transports": [method_name(name) for name in transport_names()],
        "kind_choices": [chosen.choice(_("All"), kind=""), *(chosen.choice(one.name, kind=one.name) for one in every)],
        "language_choices": _language_choices(chosen, languages),
        "scheme_choices": chosen.scheme_choices(),
    }
    return TemplateResponse(request, "notifications_hub/kinds.html", context)


def _language_choices(chosen: Chosen, languages: list[str]) -> list[Choice]:
    if len(languages) == 1:
        return []
    return [
        chosen.choice(_("Side by side"), language=""),
        *(chosen.choice(language_name(code), language=code) for code in languages),
    ]
