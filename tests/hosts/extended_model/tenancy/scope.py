from __future__ import annotations

from django.http import HttpRequest

from tests.hosts.extended_model.tenancy.models import Tenant


def tenant_of(request: HttpRequest) -> Tenant | None:
    """Return the tenant that the page is about: here a header says it, elsewhere the host name or the session."""
    name = request.headers.get("X-Tenant")
    return Tenant.objects.get(name=name) if name else None
