"""Short identifiers of people with primary keys of any type."""

from __future__ import annotations

import uuid

import pytest
from django.core.cache.backends.base import memcache_key_warnings

from notifications_hub.live.presence import _key
from notifications_hub.streams.models import check_topic, inbox_topic
from notifications_hub.users import person_key

ODD = ["ann@example.com", "a.b", "Ann Müller/安妮: x", "x" * 65, "x" * 4000, " ", "\n", "%", "", "a\u2028b"]


@pytest.mark.parametrize("pk", [7, -7, uuid.UUID(int=7), "ann_the-first", "x" * 64])
def test_numbers_uuids_and_plain_words_stay_readable(pk: object) -> None:
    assert person_key(pk) == str(pk)


@pytest.mark.parametrize("pk", ODD)
def test_any_text_makes_a_valid_topic_and_memcached_key(pk: str) -> None:
    assert len(person_key(pk)) <= 64
    check_topic(inbox_topic(pk))
    assert list(memcache_key_warnings(f":1:{_key(pk)}")) == []


def test_no_two_people_share_a_key() -> None:
    pks = [*ODD, *map(person_key, ODD), "7", "7 ", "sha256", "SHA256." + "A" * 43]
    assert len({person_key(pk) for pk in pks}) == len(pks)
