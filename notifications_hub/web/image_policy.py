"""Read what the site's content security policy says of images, as far as its settings tell."""

from __future__ import annotations

from django.conf import settings


def forbids_data_images() -> bool:
    """Return whether a policy in the settings is known to refuse images of `data:`, such as a drawn icon.

    It reads django-csp's settings and Django's own. A policy that a web server sets is unknown here.
    """
    wrapped = getattr(settings, "CONTENT_SECURITY_POLICY", None) or {}
    policies = [wrapped.get("DIRECTIVES"), getattr(settings, "SECURE_CSP", None)]
    return any(_forbids(policy) for policy in policies if policy)


def _forbids(policy: dict[str, object]) -> bool:
    sources = policy.get("img-src", policy.get("default-src"))
    if not sources:
        return False
    listed = [sources] if isinstance(sources, str) else sources
    return isinstance(listed, (list, tuple, set, frozenset)) and "data:" not in listed
