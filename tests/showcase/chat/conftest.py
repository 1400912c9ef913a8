from __future__ import annotations

import pytest

from accounts.models import User
from showcase.chat import rooms
from showcase.models import Room


@pytest.fixture
def room(alice: User, bob: User) -> Room:
    """Alice's closed room, with Bob as a member."""
    room = Room.objects.create(slug="garden", name="Garden", is_open=False, owner=alice)
    for person in (alice, bob):
        rooms.join(room, person)
    return room
