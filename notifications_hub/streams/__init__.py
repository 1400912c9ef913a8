"""Topics as gapless sequences of events, which are written without a number and numbered after commit.

Other packages import from here. The modules of this package import from each other.
"""

from __future__ import annotations

from notifications_hub.streams.changes import Changes, Mark, changes_since, moved
from notifications_hub.streams.leftovers import is_late, number_everything
from notifications_hub.streams.models import (
    BadTopic,
    Event,
    EventTooLarge,
    NewEvent,
    Stream,
    StreamError,
    check_topic,
    encode_data,
    inbox_topic,
    item_key,
)
from notifications_hub.streams.numberer import number_soon
from notifications_hub.streams.pruning import count_before, give_way, prune, prune_before
from notifications_hub.streams.sequencer import announce_numbers, number, numbered
from notifications_hub.streams.store import (
    BATCH_BYTES,
    FRAME_BYTES,
    LoggedEvent,
    Reading,
    append,
    append_many,
    number_on_commit,
    read,
    read_many,
)

__all__ = [
    "BATCH_BYTES",
    "FRAME_BYTES",
    "BadTopic",
    "Changes",
    "Event",
    "EventTooLarge",
    "LoggedEvent",
    "Mark",
    "NewEvent",
    "Reading",
    "Stream",
    "StreamError",
    "announce_numbers",
    "append",
    "append_many",
    "changes_since",
    "check_topic",
    "count_before",
    "encode_data",
    "give_way",
    "inbox_topic",
    "is_late",
    "item_key",
    "moved",
    "number",
    "number_everything",
    "number_on_commit",
    "number_soon",
    "numbered",
    "prune",
    "prune_before",
    "read",
    "read_many",
]
