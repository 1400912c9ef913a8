"""The start-up checks for a site that serves WSGI. In the wsgi.py that Django generates:

application = checked_application(get_wsgi_application())
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Pages = TypeVar("Pages", bound=Callable[..., object])


def checked_application(pages: Pages) -> Pages:
    """Return a WSGI application unchanged, after the checks that every server of the site makes at its start.

    Raise `ImproperlyConfigured` if the site must not be served, for example while demo people exist without `DEBUG`.
    """
    # Imported late because these modules define models: a wsgi.py imports this one before it sets Django up.
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    from notifications_hub.ops.startup import refusal_at_start

    if refusal := refusal_at_start():
        raise ImproperlyConfigured(refusal)
    # A forking server must not share one database connection among its processes.
    connections.close_all()
    return pages
