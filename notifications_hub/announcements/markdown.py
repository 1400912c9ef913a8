"""An announcement's text: Markdown, as HTML for the inbox and as plain text for every other delivery method."""

from __future__ import annotations

import html
import re

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_ALLOWED = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "code", "pre", "blockquote", "h3", "h4", "hr"}
_SCHEMES = {"http", "https", "mailto"}
# An image would be fetched from wherever its author likes, by everybody who reads.
_markdown = MarkdownIt("js-default", {"html": False, "linkify": False}).disable(["image", "table", "strikethrough"])


def safe_html(text: str) -> SafeString:
    """Only a few tags survive, and only links that a person may follow."""
    clean = nh3.clean(_rendered(text), tags=_ALLOWED, attributes={"*": set(), "a": {"href"}}, url_schemes=_SCHEMES)
    return mark_safe(clean)  # noqa: S308 -- nh3 has just cleaned it


def plain(text: str) -> str:
    """The words without the marks, for delivery methods that show text as text."""
    pointed = _rendered(text).replace("<li>", "<li>• ")
    bare = html.unescape(nh3.clean(pointed, tags=set()))
    lines = re.sub(r"\s*\n\s*", "\n", bare)
    return re.sub(r"•\s+", "• ", lines).strip()


def _rendered(text: str) -> str:
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            # The page around it has the first and second headings.
            token.tag = "h3" if token.tag in ("h1", "h2", "h3") else "h4"
    rendered: str = _markdown.renderer.render(tokens, _markdown.options, {})
    return rendered
