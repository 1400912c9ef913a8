"""Validation of push endpoints. Browsers send them, so anyone can; it decides which hosts are push services."""

from __future__ import annotations

import re

from notifications_hub.conf import hub_settings
from notifications_hub.transports.outbound.endpoints import Endpoint, EndpointRefused, is_listed, parse_url

HOSTS = frozenset(
    {
        "fcm.googleapis.com",
        "jmt17.google.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
    }
)
HOST_SUFFIXES = (".notify.windows.com",)

_HOST_NAME = re.compile(r"[a-z0-9.-]+")


def parse_endpoint(text: str) -> Endpoint:
    """Return a validated endpoint. Raise `EndpointRefused`."""
    url = parse_url(text)
    host, port = url.host or "", url.port or 0
    if is_extra_host(host, port):
        return Endpoint(url, host, port)
    if url.scheme != "https":
        raise EndpointRefused("The endpoint must start with https://.")
    if port != 443:
        raise EndpointRefused("The endpoint must be on port 443.")
    if host not in HOSTS and not (_HOST_NAME.fullmatch(host) and host.endswith(HOST_SUFFIXES)):
        raise EndpointRefused("The endpoint is not at a push service this site knows.")
    return Endpoint(url, host, port)


def host_label(endpoint: Endpoint) -> str:
    """Return the name of a push service in the metrics. Browsers choose the hosts of an ending, so these share one."""
    if endpoint.host in HOSTS or is_extra_host(endpoint.host, endpoint.port):
        return endpoint.host
    return next((suffix.lstrip(".") for suffix in HOST_SUFFIXES if endpoint.host.endswith(suffix)), "other")


def is_extra_host(host: str, port: int) -> bool:
    """Return whether `PUSH_EXTRA_HOSTS` lists the host. Only listed hosts may be private or use plain http."""
    return is_listed(host, port, hub_settings.push_extra_hosts)
