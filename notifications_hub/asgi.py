"""The ASGI application of a site. In the asgi.py that Django generates:

application = live_application(get_asgi_application())
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifications_hub.live.server import Application


def live_application(pages: Application) -> Application:
    """Return an application that serves the site's pages and its live connections.

    The live URLs are found by name, so they follow the host's URL configuration.
    """
    # Imported late because these modules define models: an asgi.py imports this one before it sets Django up.
    from notifications_hub.live.server import with_connections

    return with_connections(pages)
