"""The start-up checks for a site that serves WSGI, in a wsgi.py as Django writes it:

application = checked_application(get_wsgi_application())
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Pages = TypeVar("Pages", bound=Callable[..., object])


def checked_application(pages: Pages) -> Pages:
    """Return the application as it is. Raise `ImproperlyConfigured` if the site must not be served."""
    # Its modules hold models. A wsgi.py imports this before it sets Django up, and calls it after.
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    from notifications_hub.ops.startup import refusal_at_start

    if refusal := refusal_at_start():
        raise ImproperlyConfigured(refusal)
    # A server that forks must not hand one connection to all of its processes.
    connections.close_all()
    return pages
