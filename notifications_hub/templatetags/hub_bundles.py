"""Tags for the hub's own templates, which load its built scripts and styles. Hosts need none of them."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from notifications_hub.web.bundles import bundle_url

register = template.Library()


@register.simple_tag
def bundle_script(name: str) -> SafeString:
    """Return the tag of a built script. It runs once the page is parsed, in the order of the tags."""
    return format_html('<script defer src="{}"></script>', bundle_url(f"{name}.js"))


@register.simple_tag
def bundle_style(name: str) -> SafeString:
    """Return the tag of a built style sheet."""
    return format_html('<link rel="stylesheet" href="{}">', bundle_url(f"{name}.css"))
