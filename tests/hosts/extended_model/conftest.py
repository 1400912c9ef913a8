"""The tenants of the proofs. Their models are imported late, because the main run finds this file but not the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.hosts.extended_model.tenancy.models import Tenant


@pytest.fixture
def acme(db: None) -> Tenant:
    return _tenant("Acme")


@pytest.fixture
def globex(db: None) -> Tenant:
    return _tenant("Globex")


def _tenant(name: str) -> Tenant:
    from tests.hosts.extended_model.tenancy.models import Tenant

    return Tenant.objects.create(name=name)
