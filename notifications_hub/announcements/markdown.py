"""Render an announcement's Markdown: as HTML for the inbox, as plain text for every other delivery method."""

from __future__ import annotations

import html
import re
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from markdown_it import MarkdownIt

from notifications_hub.web.text import balanced

_ALLOWED = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "code", "pre", "blockquote", "h3", "h4", "hr"}
_SCHEMES = {"http", "https", "mailto"}
# Without images: each reader's browser would fetch them from a server of the author's choice.
KEPT_TEXTS = 256
"""Rendered texts that a process keeps, each of some kilobytes. Everybody in an audience reads the same text."""
MAX_MESSAGE_BODY = 600
"""Characters of the text in a message, so that an event in many languages stays small. The inbox page shows it all."""
_markdown = MarkdownIt("js-default", {"html": False, "linkify": False}).disable(["image", "table", "strikethrough"])


@lru_cache(KEPT_TEXTS)
def safe_html(text: str) -> SafeString:
    """Return HTML that keeps only a few tags, and only safe links."""
    clean = nh3.clean(_rendered(text), tags=_ALLOWED, attributes={"*": set(), "a": {"href"}}, url_schemes=_SCHEMES)
    return mark_safe(clean)  # noqa: S308 -- nh3 has just cleaned it


def plain(text: str) -> str:
    """Return the text without markup, for delivery methods that show plain text."""
    pointed = _rendered(text).replace("<li>", "<li>• ")
    bare = html.unescape(nh3.clean(pointed, tags=set()))
    lines = re.sub(r"\s*\n\s*", "\n", bare)
    return re.sub(r"•\s+", "• ", lines).strip()


@lru_cache(KEPT_TEXTS)
def shortened(text: str) -> str:
    """Return the plain text as a message carries it."""
    return balanced(Truncator(plain(text)).chars(MAX_MESSAGE_BODY))


@lru_cache(KEPT_TEXTS)
def is_shortened(text: str) -> bool:
    """Return whether a message carries only the beginning of the text."""
    return len(plain(text)) > MAX_MESSAGE_BODY


def _rendered(text: str) -> str:
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            # The surrounding page uses the first two heading levels.
            token.tag = "h3" if token.tag in ("h1", "h2", "h3") else "h4"
    rendered: str = _markdown.renderer.render(tokens, _markdown.options, {})
    return rendered
