"""The guarantees of the live protocol, over each kind of connection, on the running product."""

from __future__ import annotations

from typing import Any

import pytest

from notifications_hub.streams import cursor
from tests.live.conftest import Listen
from tests.live.support import BRIEFLY, cursor_at, person_id, poke, publish, signed_by
from tests.support.live import LiveClient
from tests.support.site import Site

pytestmark = pytest.mark.both_databases


def numbers(client: LiveClient) -> list[int]:
    return [event["data"]["n"] for event in client.events]


def received(client: LiveClient, count: int) -> list[dict[str, Any]]:
    while len(client.events) < count:
        client.frame()
    return client.events


# Catching up


def test_the_first_frame_carries_a_cursor_even_when_nothing_happened(listen: Listen) -> None:
    with listen("alice") as alice:
        frame = alice.frame()
    assert frame["cursor"]
    assert (frame["events"], frame["more"], frame["reset"]) == ([], False, [])


def test_a_client_without_a_cursor_starts_from_now(listen: Listen, site: Site, topic: str) -> None:
    publish(site, topic, 1, 2)
    with listen("alice", topics=[topic]) as alice:
        assert alice.frame()["events"] == []
        publish(site, topic, 3)
        received(alice, 1)
    assert numbers(alice) == [3]


def test_a_client_that_resumes_gets_missed_events_once_and_in_order(listen: Listen, site: Site, topic: str) -> None:
    with listen("alice", topics=[topic]) as alice:
        alice.frame()
        publish(site, topic, 1)
        received(alice, 1)
    publish(site, topic, 2, 3, 4)
    with listen("alice", topics=[topic], cursor=alice.cursor) as again:
        frame = again.frame()
        publish(site, topic, 5)
        received(again, 4)
    assert [event["seq"] for event in frame["events"]] == [2, 3, 4]
    assert numbers(again) == [2, 3, 4, 5]


def test_a_cursor_from_before_the_topics_first_event_resumes_too(listen: Listen, site: Site, topic: str) -> None:
    with listen("alice", topics=[topic]) as alice:
        alice.frame()
    publish(site, topic, 1, 2)
    with listen("alice", topics=[topic], cursor=alice.cursor) as again:
        frame = again.frame()
    assert numbers(again) == [1, 2]
    assert frame["reset"] == []


def test_a_backlog_longer_than_a_page_arrives_completely(listen: Listen, site: Site, topic: str) -> None:
    with listen("alice", topics=[topic]) as alice:
        alice.frame()
    publish(site, topic, *range(450))
    with listen("alice", topics=[topic], cursor=alice.cursor) as again:
        first = again.frame()
        while again.frame()["more"]:
            pass
    assert (len(first["events"]), first["more"]) == (200, True)
    assert numbers(again) == list(range(450))


# Delivery


def test_a_notification_from_another_process_arrives_with_its_text(listen: Listen, site: Site) -> None:
    with listen("alice") as alice:
        alice.frame()
        poke(site, "alice")
        event = alice.until("notification.created")
    assert event["topic"] == "inbox"
    assert event["data"]["title"].endswith("poked")
    assert event["data"]["unread"] is True
    assert event["at"].endswith("Z")


def test_a_rolled_back_event_is_never_seen(listen: Listen, site: Site, topic: str) -> None:
    with listen("alice", topics=[topic]) as alice:
        alice.frame()
        site.python(f"""
            from contextlib import suppress
            from django.db import transaction
            from notifications_hub import publish
            with suppress(ZeroDivisionError), transaction.atomic():
                publish({topic!r}, "counted", {{"n": 1}})
                1 / 0
            publish({topic!r}, "counted", {{"n": 2}})
        """)
        received(alice, 1)
        assert alice.receives_nothing(BRIEFLY)
    assert numbers(alice) == [2]


def test_two_topics_on_one_connection_keep_their_own_numbers(listen: Listen, site: Site, topic: str) -> None:
    other = f"{topic}b"
    with listen("alice", topics=[topic, other]) as alice:
        alice.frame()
        publish(site, topic, 1)
        publish(site, other, 2)
        publish(site, topic, 3)
        received(alice, 3)
    got = [(event["topic"], event["seq"], event["data"]["n"]) for event in alice.events]
    assert sorted(got) == sorted([(topic, 1, 1), (other, 1, 2), (topic, 2, 3)])
    with listen("alice", topics=[other, topic], cursor=alice.cursor) as again:
        assert again.frame()["events"] == []


def test_overlapping_subscriptions_deliver_each_event_once(listen: Listen, site: Site) -> None:
    with listen("alice", topics=["inbox", "everyone", "everyone"]) as alice:
        alice.frame()
        site.python("from notifications_hub import broadcast; broadcast(title='Tea is ready')")
        event = alice.until("announcement.created")
        assert event["topic"] == "everyone"
        assert alice.receives_nothing(BRIEFLY)


def test_the_inbox_includes_its_audiences_under_their_own_names(listen: Listen, site: Site) -> None:
    with listen("charlie") as charlie:
        charlie.frame()
        site.python("from notifications_hub import broadcast; broadcast(title='Tea is ready')")
        assert charlie.until("announcement.created")["topic"] == "everyone"


# Reset


@pytest.fixture
def history(site: Site, topic: str) -> str:
    publish(site, topic, *range(10))
    return topic


def test_a_position_beyond_the_top_is_reset_and_reading_continues_from_now(
    listen: Listen, site: Site, history: str
) -> None:
    with listen("alice", topics=[history], cursor=cursor_at(site, history, after_top=1)) as alice:
        frame = alice.frame()
        publish(site, history, 10)
        received(alice, 1)
    assert (frame["events"], frame["reset"]) == ([], [history])
    assert numbers(alice) == [10]


def test_a_cursor_of_another_epoch_is_reset(listen: Listen, site: Site, history: str) -> None:
    with listen("alice", topics=[history], cursor=cursor_at(site, history, epoch="0" * 8)) as alice:
        frame = alice.frame()
    assert (frame["events"], frame["reset"]) == ([], [history])


def test_a_new_epoch_also_resets_open_connections(listen: Listen, site: Site, history: str) -> None:
    with listen("alice", topics=[history]) as alice:
        alice.frame()
        site.python("from django.core.management import call_command; call_command('hub_rotate_epochs')")
        while history not in alice.reset:
            alice.frame()
        publish(site, history, 10)
        received(alice, 1)
    assert numbers(alice) == [10]


def test_a_position_before_pruned_events_is_reset(listen: Listen, site: Site, history: str) -> None:
    site.python(f"from notifications_hub import streams; streams.prune({history!r}, 5)")
    with listen("alice", topics=[history], cursor=cursor_at(site, history, seq=4)) as late:
        frame = late.frame()
    assert (frame["events"], frame["reset"]) == ([], [history])
    with listen("alice", topics=[history], cursor=cursor_at(site, history, seq=5)) as in_time:
        frame = in_time.frame()
    assert [event["seq"] for event in frame["events"]] == [6, 7, 8, 9, 10]
    assert frame["reset"] == []


def test_pruning_read_events_does_not_disturb_open_connections(listen: Listen, site: Site, history: str) -> None:
    with listen("alice", topics=[history]) as alice:
        alice.frame()
        site.python(f"from notifications_hub import streams; streams.prune({history!r}, 10)")
        publish(site, history, 10)
        received(alice, 1)
    assert (numbers(alice), alice.reset) == ([10], [])


def test_a_topic_missing_from_the_cursor_is_reset_and_the_others_continue(
    listen: Listen, site: Site, history: str
) -> None:
    with listen("alice", topics=[history]) as alice:
        alice.frame()
    publish(site, history, 10)
    with listen("alice", topics=[history, "everyone"], cursor=alice.cursor) as again:
        frame = again.frame()
    assert (numbers(again), frame["reset"]) == ([10], ["everyone"])


# Rights


def test_charlie_gets_nothing_of_alices_inbox(listen: Listen, site: Site) -> None:
    with listen("charlie") as charlie:
        charlie.frame()
        poke(site, "alice")
        assert charlie.receives_nothing(BRIEFLY)


def test_charlie_with_alices_cursor_is_sent_a_reset_of_his_own_inbox(listen: Listen, site: Site) -> None:
    poke(site, "alice")
    with listen("alice", topics=["inbox"]) as alice:
        alice.frame()
    poke(site, "alice")
    with listen("charlie", cursor=alice.cursor) as charlie:
        frame = charlie.frame()
        assert charlie.receives_nothing(BRIEFLY)
    assert frame["events"] == []
    assert "inbox" in frame["reset"]


@pytest.mark.parametrize("name", ["staff", "group.1", "post.999999", "audience.vip", "nonsense", "*", "INBOX"])
def test_a_refused_topic_is_named_and_looks_like_a_missing_one(listen: Listen, name: str) -> None:
    with listen("charlie", topics=["inbox", name]) as charlie:
        assert charlie.closing() == (4403, f"topic refused: {name}")


def test_an_inbox_cannot_be_addressed_by_its_stored_name_even_by_its_owner(listen: Listen, site: Site) -> None:
    for topic in (f"inbox.{person_id(site, 'alice')}", f"inbox.{person_id(site, 'charlie')}"):
        with listen("charlie", topics=[topic]) as charlie:
            assert charlie.closing() == (4403, f"topic refused: {topic}")


def test_an_anonymous_visitor_is_refused_with_session_over(listen: Listen) -> None:
    with listen(None) as stranger:
        assert stranger.closing()[0] == 4401


def test_a_forged_start_in_a_cursor_reveals_no_earlier_events(listen: Listen, history: str) -> None:
    made_up = f"1~{cursor.key_of(history)}..0.0"
    with listen("charlie", topics=[history], cursor=made_up) as charlie:
        frame = charlie.frame()
        assert charlie.receives_nothing(BRIEFLY)
    assert (frame["events"], frame["reset"], frame["more"]) == ([], [history], False)


@pytest.mark.parametrize("text", ["x", "1~", "1~short.1.2.3", "2~" + "a" * 8 + ".00000000.0.0", "1" * 3000, "\x00"])
def test_an_invalid_cursor_is_a_bad_request(listen: Listen, text: str) -> None:
    with listen("alice", cursor=text) as alice:
        assert alice.closing()[0] == 4400


def test_at_most_thirty_two_topics_are_accepted(listen: Listen, topic: str) -> None:
    names = [f"{topic}-{number}" for number in range(33)]
    with listen("alice", topics=names[:32]) as alice:
        assert alice.frame()["reset"] == []
    with listen("alice", topics=names) as alice:
        assert alice.closing()[0] == 4400


# Acknowledging


def test_an_acknowledgement_marks_notifications_as_delivered_and_updates_the_other_tab(
    listen: Listen, site: Site, newcomer: str
) -> None:
    with listen(newcomer) as first, listen(newcomer) as second:
        first.frame()
        second.frame()
        poke(site, newcomer)
        created = first.until("notification.created")
        first.send(ack=first.cursor, visible=True)
        assert second.until("notification.delivered")["data"] == {"ids": [created["data"]["id"]]}
    delivered_by = f"print(person(username={newcomer!r}).notifications.get(announcement=None).delivered_by)"
    assert site.python(delivered_by) == "live"


def test_a_forged_acknowledgement_marks_nothing(listen: Listen, site: Site, newcomer: str) -> None:
    inbox = f"inbox.{person_id(site, newcomer)}"
    with listen(newcomer) as tab:
        tab.frame()
        poke(site, newcomer)
        tab.until("notification.created")
        tab.send(ack=f"1~{cursor.key_of(inbox)}.00000000.0.99", visible=True)
        tab.send(ack=signed_by(site, inbox, "00000000", 99), visible=True)
        assert tab.receives_nothing(BRIEFLY)
    assert (
        site.python(f"print(person(username={newcomer!r}).notifications.get(announcement=None).delivered_at)") == "None"
    )


def test_charlie_cannot_acknowledge_for_somebody_else(listen: Listen, site: Site, newcomer: str) -> None:
    with listen(newcomer) as alice, listen("charlie") as charlie:
        alice.frame()
        charlie.frame()
        poke(site, newcomer)
        alice.until("notification.created")
        charlie.send(ack=alice.cursor, visible=True)
        assert charlie.receives_nothing(BRIEFLY)
        assert alice.receives_nothing(BRIEFLY)
    assert (
        site.python(f"print(person(username={newcomer!r}).notifications.get(announcement=None).delivered_at)") == "None"
    )
