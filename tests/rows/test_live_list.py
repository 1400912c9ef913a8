"""`live_list`: a page's rows, and the cursor from which the page continues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.template import Context, Template
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from notifications_hub import live_list, streams
from notifications_hub.live import topics
from notifications_hub.streams import cursor
from notifications_hub.streams.cursor import Position
from tests.rows.board.models import Sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

    from accounts.models import User
    from notifications_hub.live_lists import LiveList

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture
def request_of_alice(alice: User, rf: RequestFactory) -> HttpRequest:
    request = rf.get("/")
    request.user = alice
    return request


def position(listed: LiveList) -> Position:
    written = listed.attributes.split('cursor="')[1].split('"')[0]
    return cursor.decode(written)[cursor.key_of("signs")]


def test_events_written_while_rows_are_read_come_after_the_cursor(
    request_of_alice: HttpRequest,
) -> None:
    class SlowRows(QuerySet[Sign]):
        def __iter__(self) -> Iterator[Sign]:
            streams.append("signs", "shop.sign.created", {"id": "1"})
            streams.number_everything()
            return super().__iter__()

    listed = live_list(request_of_alice, "signs", SlowRows(Sign))

    [reading] = streams.read({"signs": position(listed)})
    assert [event.kind for event in reading.events] == ["shop.sign.created"]


def test_a_live_list_reads_a_cached_queryset_again(request_of_alice: HttpRequest) -> None:
    signs = Sign.objects.all()
    assert not list(signs)
    Sign.objects.create(text="Exit")
    listed = live_list(request_of_alice, "signs", signs)

    assert ([sign.text for sign in listed], len(listed)) == (["Exit"], 1)
    with pytest.raises(TypeError, match="queryset"):
        live_list(request_of_alice, "signs", list(signs))  # type: ignore[arg-type]


def test_a_live_list_costs_one_query_besides_its_rows_and_none_for_a_stranger(
    request_of_alice: HttpRequest, rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        assert 'row="shop.sign"' in live_list(request_of_alice, "signs", Sign.objects.all()).attributes
    stranger = rf.get("/")
    stranger.user = AnonymousUser()
    with django_assert_num_queries(1):
        assert live_list(stranger, "signs", Sign.objects.all(), row="sign").attributes == 'topic="signs" row="sign"'


def test_a_public_list_follows_its_topic_for_strangers_and_holds_nothing_personal(
    rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "_rules", dict(topics._rules))
    topics.topic("shown.<int:pk>", public=True)(lambda user, pk: True)
    lists = []
    for cookie in ("sessionid=one", "sessionid=other"):
        stranger = rf.get("/", headers={"cookie": cookie})
        stranger.user = AnonymousUser()
        with django_assert_num_queries(2):
            lists.append(live_list(stranger, "shown.1", Sign.objects.all()).attributes)

    assert 'cursor="1~' in lists[0]
    assert "person" not in lists[0]
    assert lists[0] == lists[1]


def test_the_tag_renders_rows_attributes_and_media(request_of_alice: HttpRequest) -> None:
    Sign.objects.create(text="<Exit>")
    page = Template(
        "{% load notifications_hub %}{% live_list topic signs as live %}{{ live.media }}"
        "<live-list {{ live.attributes }}>{% for sign in live %}{{ sign.text }}{% endfor %}</live-list>"
    )
    context = {"request": request_of_alice, "topic": '"><script>', "signs": Sign.objects.all()}

    shown = page.render(Context(context))
    assert "notifications_hub/dist/live-list-" in shown
    assert 'topic="&quot;&gt;&lt;script&gt;"' in shown
    assert "&lt;Exit&gt;</live-list>" in shown
