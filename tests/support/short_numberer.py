"""The numberer of this process, whose thread and database connection end with the test that used them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from notifications_hub.streams import numberer as numberer_module
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from notifications_hub.streams.numberer import Numberer


@contextmanager
def short_numberer() -> Iterator[Numberer]:
    """Yield the numberer. An idle thread ends after 0.1 s, and all of its work is done when the block ends."""
    numberer = numberer_module.numberer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numberer_module, "IDLE_SECONDS", 0.1)
        yield numberer
        # A thread that was idle before the block reads its limit again after some work.
        if numberer.at_work:
            numberer.add_chore(_nothing)
        assert numberer.finish(20)
        wait_until(lambda: not numberer.at_work, what="the end of the numberer's thread")


def _nothing() -> None:
    pass
