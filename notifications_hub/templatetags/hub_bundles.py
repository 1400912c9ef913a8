"""Tags for the hub's own templates: built scripts and styles, and parts that are rendered once. Hosts need none."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.template.base import NodeList, Parser, Token
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from notifications_hub.kinds import Kind, all_kinds
from notifications_hub.web.bundles import script_tag, style_tag
from notifications_hub.web.icons import PLAIN, shapes_of
from notifications_hub.web.nonce import nonce_of

register = template.Library()


@register.simple_tag(takes_context=True)
def bundle_script(context: template.Context, name: str, priority: str = "") -> SafeString:
    """Return the tag of a built script. It runs once the page is parsed, in the order of the tags."""
    return script_tag(name, _nonce(context), priority)


@register.simple_tag(takes_context=True)
def bundle_style(context: template.Context, name: str) -> SafeString:
    """Return the tag of a built style sheet."""
    return style_tag(name, _nonce(context))


@register.simple_tag
def icon_shapes(name: str) -> SafeString:
    """Return the shapes of an icon. An unknown name gives a bell."""
    return shapes_of(name)


@register.simple_tag
def kind_icons() -> list[str]:
    """Return the icons of all declared kinds, so that a page has those that its items may name, and no others."""
    return sorted({PLAIN, *map(_icon_of, all_kinds())})


def _icon_of(kind: Kind) -> str:
    try:
        return str(kind.icon)
    except Exception:  # noqa: BLE001 -- rendering logs the fault of a kind, which must not cost others their page
        return PLAIN


def _nonce(context: template.Context) -> str:
    """Return the page's nonce. A part that is rendered without the request is given it by name."""
    nonce = context.get("nonce")
    return nonce_of(context.get("request")) if nonce is None else str(nonce)


_MOST_KEPT = 64
"""Renderings of one part that a process keeps: one for each language, under each prefix of the site's URLs."""


class RenderedOnce(template.Node):
    """A part of a template that looks the same for everyone, and so need not be rendered for each page."""

    def __init__(self, nodelist: NodeList, names: Sequence[str]) -> None:
        self.nodelist = nodelist
        self._names = names
        self._kept: dict[tuple[object, ...], SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        values = {name: context[name] for name in self._names}
        key = (get_language(), *values.values())
        kept = self._kept.get(key)
        if kept is None:
            # Nothing else of the context is visible here, so nothing of a person can be kept.
            kept = self.nodelist.render(context.new(values))
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = kept
        return kept


@register.tag
def rendered_once(parser: Parser, token: Token) -> RenderedOnce:
    """Keep what is between this tag and `{% endrendered_once %}`. Name the variables that it uses, which are few URLs.

    {% rendered_once inbox_url %}…{% endrendered_once %}
    """
    nodelist = parser.parse(("endrendered_once",))
    parser.delete_first_token()
    return RenderedOnce(nodelist, token.split_contents()[1:])
