"""The services of Apprise that a site allows, made from the addresses that people enter.

An address is allowed if `APPRISE_SCHEMAS` lists its scheme. If it names a host of the person's choice, `APPRISE_HOSTS`
must list that host too: Apprise reads answers whole, so the host has to be trusted with the worker's memory. An address
with a template is refused, because the library would fetch that from any host.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import apprise
from apprise.manager_plugins import NotificationManager
from django.utils.translation import gettext as _

from notifications_hub.conf import hub_settings
from notifications_hub.transports.apprise.guard import Guard
from notifications_hub.transports.outbound.endpoints import is_listed
from notifications_hub.transports.own_addresses.transport import AddressRefused

CONNECT_SECONDS, READ_SECONDS = 3.0, 6.0
LONGEST_ADDRESS = 2048


class Paused(Exception):
    """Raised instead of a pause inside the library, because waiting belongs to the worker."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def new_guard() -> Guard:
    """Return a guard for an address of a person's own."""
    return Guard(_is_listed_exactly)


@cache
def load_plugins() -> None:
    """Import the plugins, which takes a second or two. Call it where no deadline runs."""
    manager: Any = NotificationManager
    manager().plugins()


def service_at(address: str) -> Any:
    """Return the service of a person's address. Raise `AddressRefused`. Call it inside `guarded`."""
    if len(address) > LONGEST_ADDRESS:
        raise AddressRefused(_("This address is too long."))
    schema = address.partition("://")[0].lower()
    # A link that a service shows to copy, like that of a Slack webhook, is https.
    if schema != "https" and schema not in hub_settings.apprise_schemas:
        raise AddressRefused(_("This site doesn't send to this kind of address."))
    service = create(address)
    if service is None:
        raise AddressRefused(_("This isn't a complete address of a service that we know."))
    _check(service)
    return service


def create(address: str) -> Any:
    """Return the service of an address, or None if it is invalid. It follows no redirect and never sleeps."""
    service: Any = apprise.Apprise.instantiate(address, asset=_asset())
    if service is not None:
        service.redirects = False
        service.verify_certificate = True
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
        service.throttle = _throttle
    return service


def name_of(service: Any) -> str:
    """Return the name of a service, and its host if the address names one. It holds no secret."""
    name, host = str(service.service_name), _named_host(service)
    return f"{name} ({host})" if host else name


def _check(service: Any) -> None:
    if not _schemas_of(service) & set(hub_settings.apprise_schemas):
        raise AddressRefused(_("This site doesn't send to this kind of address."))
    host = _named_host(service)
    if host and not _is_allowed_host(host.lower(), service.port or 0):
        raise AddressRefused(_("This site doesn't send to %(host)s.") % {"host": host})
    if isinstance(getattr(service, "template", None), apprise.AppriseAttachment) and len(service.template):
        raise AddressRefused(_("This site doesn't send to this kind of address."))
    if len(service) != 1:
        raise AddressRefused(_("This address has several recipients. Add each of them on its own."))


def _schemas_of(service: Any) -> frozenset[str]:
    given = (service.protocol, service.secure_protocol)
    return frozenset(name for one in given for name in ((one,) if isinstance(one, str) else one or ()))


def _named_host(service: Any) -> str:
    """Return the host of the person's choice, or an empty text."""
    if "host" in service.template_tokens:
        return service.host or ""
    # The organisation of Zulip may be a name of its cloud, or a host.
    default = getattr(service, "default_hostname", None)
    return f"{service.organization}.{service.hostname}" if default and service.hostname != default else ""


def _is_allowed_host(host: str, port: int) -> bool:
    ends = tuple(one for one in hub_settings.apprise_hosts if one.startswith("."))
    return host.endswith(ends) or _is_listed_exactly(host, port)


def _is_listed_exactly(host: str, port: int) -> bool:
    """Return whether `APPRISE_HOSTS` lists the host itself. Only such a host may be private."""
    return is_listed(host, port, hub_settings.apprise_hosts)


def _throttle(last_io: object = None, wait: float | None = None) -> None:
    if wait:
        raise Paused(wait)


@cache
def _asset() -> Any:
    """Return settings for the library: no file is kept, no redirect is followed, and text is sent as it is."""
    return apprise.AppriseAsset(
        app_id="NotificationsHub",
        app_desc="Notifications Hub",
        http_redirects=False,
        interpret_emojis=False,
        pem_autogen=False,
        pgp_autogen=False,
        storage_mode="memory",
    )
