"""One ASGI application for a site, in an asgi.py as Django writes it:

application = live_application(get_asgi_application())
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifications_hub.live.server import Application


def live_application(pages: Application) -> Application:
    """The site's pages and its live connections; these are at the host's own URLs of their names."""
    # Its modules hold models. An asgi.py imports this before it sets Django up, and calls it after.
    from notifications_hub.live.server import with_connections

    return with_connections(pages)
