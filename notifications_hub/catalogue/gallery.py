"""The gallery: every element in every state, in both colour schemes. For staff, and with `DEBUG` for everyone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from notifications_hub.catalogue.gallery_states import Element, State, elements
from notifications_hub.catalogue.languages import is_right_to_left, language_name, shown_languages
from notifications_hub.catalogue.views import SCHEMES, Choice, Chosen
from notifications_hub.web.developer_pages import ask_to_sign_in

_LOADED = re.compile(r"<script\b[^>]*></script>|<link\b[^>]*>")
"""The tags that load files. A live element would look for its job, or for this browser's subscription."""
_NAMED = re.compile(r'(?<=\s)(id|for|form|aria-labelledby|aria-describedby)="([^"]+)"')


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownState:
    """A state in one colour scheme: its markup, and the JSON by which a script draws it."""

    name: str
    scheme: str
    html: SafeString
    data: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownElement:
    element: Element
    states: list[list[ShownState]]


@login_not_required
@require_safe
@cache_control(no_store=True, private=True)
def gallery(request: HttpRequest) -> HttpResponse:
    if refusal := ask_to_sign_in(request):
        return refusal
    languages = shown_languages()
    chosen = Chosen.by(request, languages)
    every = elements()
    listed = [one for one in every if not chosen.kind or one.name == chosen.kind]
    if not listed:
        raise Http404(f"There is no element {chosen.kind!r}.")
    language = chosen.language or translation.get_language() or languages[0]
    schemes = [chosen.scheme] if chosen.scheme else list(SCHEMES)
    with translation.override(language):
        shown = [_shown(one, schemes) for one in listed]
    context = {
        "elements": shown,
        "language": language,
        "direction": "rtl" if is_right_to_left(language) else "ltr",
        "element_choices": [chosen.choice(_("All"), kind=""), *(_choice(chosen, one) for one in every)],
        "language_choices": [chosen.choice(language_name(code), language=code) for code in languages],
        "scheme_choices": chosen.scheme_choices(),
    }
    return TemplateResponse(request, "notifications_hub/gallery.html", context)


def _choice(chosen: Chosen, element: Element) -> Choice:
    return chosen.choice(str(element.title), kind=element.name)


def _shown(element: Element, schemes: list[str]) -> ShownElement:
    return ShownElement(
        element=element, states=[[_in_scheme(element, state, scheme) for scheme in schemes] for state in element.states]
    )


def _in_scheme(element: Element, state: State, scheme: str) -> ShownState:
    values = state.values()
    html = _fragment(element.template, values, f"{element.name}-{state.name}-{scheme}-") if element.template else ""
    data = json.dumps(values, cls=DjangoJSONEncoder) if element.draws else ""
    return ShownState(name=state.name, scheme=scheme, html=mark_safe(html), data=data)  # noqa: S308 -- rendered by a template


def _fragment(template: str, values: Mapping[str, Any], prefix: str) -> str:
    """Render a template. Its ids get a prefix, because the page shows it many times."""
    html = render_to_string(f"notifications_hub/{template}", {"mark_url": "#", "csrf_token": "none", **values})
    return _NAMED.sub(lambda found: f'{found[1]}="{_prefixed(found[2], prefix)}"', _LOADED.sub("", html))


def _prefixed(names: str, prefix: str) -> str:
    return " ".join(prefix + name for name in names.split())
