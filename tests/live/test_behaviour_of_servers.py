"""The behaviour suite again, over two web processes behind nginx: either may serve a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from tests.live.servers import two_servers
from tests.live.support import HURRIED
from tests.live.test_behaviour import *  # noqa: F403
from tests.live.test_session_end import *  # noqa: F403
from tests.support.databases import Databases
from tests.support.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.faults, pytest.mark.exhaustive]  # type: ignore[assignment]


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with two_servers(databases, tmp_path_factory.mktemp("servers"), **HURRIED) as servers:
        yield cast("Site", servers)
