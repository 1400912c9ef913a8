"""The WebSocket connection, spoken to as a page does, on the product as it runs."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from notifications_hub.cursor import Position, encode
from tests.support.live import listening
from tests.support.site import Site

pytestmark = pytest.mark.both_databases

TELL_ALICE = """
    from django.contrib.auth import get_user_model
    from notifications.signals import notify
    person = get_user_model().objects.get
    notify.send(person(username="bob"), recipient=person(username="alice"), verb="poked")
"""


def test_the_first_frame_carries_a_cursor_even_when_nothing_happened(site: Site) -> None:
    with listening(site, "alice") as alice:
        frame = alice.frame()
    assert frame["events"] == []
    assert frame["cursor"]
    assert frame["more"] is False
    assert frame["reset"] == []


def test_a_notification_made_by_another_process_arrives_with_its_words(site: Site) -> None:
    with listening(site, "alice") as alice:
        alice.frame()
        site.python(TELL_ALICE)
        event = alice.until("notification.created")
    assert event["topic"] == "inbox"
    assert event["data"]["title"].endswith("poked")
    assert event["data"]["unread"] is True


def test_a_client_that_resumes_gets_what_it_missed_once_and_in_order(site: Site) -> None:
    with listening(site, "alice") as alice:
        alice.frame()
        site.python(TELL_ALICE)
        first = alice.until("notification.created")
        cursor = alice.cursor
    site.python(TELL_ALICE * 3)
    with listening(site, "alice", cursor=cursor) as alice:
        frame = alice.frame()
    assert [event["seq"] for event in frame["events"]] == [first["seq"] + 1, first["seq"] + 2, first["seq"] + 3]
    assert frame["reset"] == []


def test_a_backlog_longer_than_a_page_comes_whole(site: Site) -> None:
    with listening(site, "alice", topics=["everyone"]) as alice:
        alice.frame()
        cursor = alice.cursor
    site.python(
        "from notifications_hub import publish_many; publish_many(('everyone', 'n', {'n': n}) for n in range(450))"
    )
    with listening(site, "alice", topics=["everyone"], cursor=cursor) as alice:
        while alice.frame()["more"]:
            pass
        assert [event["data"]["n"] for event in alice.events] == list(range(450))


def test_charlie_hears_nothing_of_alices(site: Site) -> None:
    with listening(site, "charlie") as charlie:
        charlie.frame()
        site.python(TELL_ALICE)
        assert charlie.hears_nothing()


def test_charlie_with_alices_cursor_is_told_to_refetch_his_own(site: Site) -> None:
    site.python(TELL_ALICE)
    with listening(site, "alice", topics=["inbox"]) as alice:
        alice.frame()
        cursor = alice.cursor
    site.python(TELL_ALICE)
    with listening(site, "charlie", cursor=cursor) as charlie:
        frame = charlie.frame()
    assert frame["events"] == []
    assert "inbox" in frame["reset"]


@pytest.mark.parametrize("name", ["inbox.1", "staff", "group.1", "post.999999", "audience.vip", "nonsense", "*", ""])
def test_a_topic_that_is_not_allowed_is_refused_by_name_and_like_one_that_does_not_exist(site: Site, name: str) -> None:
    with listening(site, "charlie", topics=[name or "''"]) as charlie:
        assert charlie.closing() == (4403, f"topic refused: {name or chr(39) * 2}")


def test_whoever_is_not_signed_in_is_told_that_the_session_is_over(site: Site) -> None:
    with listening(site, None) as stranger:
        assert stranger.closing()[0] == 4401


@pytest.mark.parametrize("cursor", ["x", "1~", "1~short.1.2.3", "2~" + "a" * 8 + ".00000000.0.0", "1" * 3000])
def test_a_cursor_that_no_server_wrote_is_a_bad_frame(site: Site, cursor: str) -> None:
    with listening(site, "alice", cursor=cursor) as alice:
        assert alice.closing()[0] == 4400


def test_a_position_beyond_the_top_is_a_reset_and_reading_goes_on_from_now(site: Site) -> None:
    site.python(TELL_ALICE)
    epoch = site.python("""
        from notifications_hub.streams import Stream, inbox_topic
        from django.contrib.auth import get_user_model
        alice = get_user_model().objects.get(username="alice")
        print(Stream.objects.get(topic=inbox_topic(alice.pk)).epoch, alice.pk)
    """).split()
    beyond = encode({f"inbox.{epoch[1]}": Position(epoch[0], 0, 10_000)})
    with listening(site, "alice", cursor=beyond) as alice:
        assert "inbox" in alice.frame()["reset"]
        site.python(TELL_ALICE)
        assert alice.until("notification.created")


def test_a_new_epoch_is_a_reset_also_for_a_connection_that_is_open(site: Site) -> None:
    site.python(TELL_ALICE)
    with listening(site, "alice") as alice:
        alice.frame()
        site.manage("hub_rotate_epochs")
        while "inbox" not in alice.reset:
            alice.frame()
        site.python(TELL_ALICE)
        assert alice.until("notification.created")


def test_an_acknowledgement_marks_what_was_shown_and_tells_the_other_tab(site: Site) -> None:
    with listening(site, "alice") as first, listening(site, "alice") as second:
        first.frame()
        second.frame()
        site.python(TELL_ALICE)
        created = first.until("notification.created")
        first.say(ack=first.cursor)
        assert second.until("notification.told")["data"] == {"ids": [created["data"]["id"]]}
    assert "live" in site.python("""
        from notifications_hub.models import Notification
        print(Notification.objects.latest('pk').told_by)
    """)


def test_charlie_cannot_acknowledge_for_alice(site: Site) -> None:
    with listening(site, "alice") as alice:
        alice.frame()
        site.python(TELL_ALICE)
        alice.until("notification.created")
        with listening(site, "charlie") as charlie:
            charlie.frame()
            charlie.say(ack=alice.cursor)
            assert charlie.hears_nothing()
    assert site.python("print(person(username='alice').notifications.latest('pk').told_at)").strip() == "None"


@pytest.mark.parametrize("frame", ["[]", "{", '"x"', '{"ack": 1}', '{"ack": "x"}', "[" * 5000, "\ud7ff"])
def test_a_frame_that_is_no_frame_closes_that_connection_only(site: Site, frame: str) -> None:
    with listening(site, "alice") as alice, listening(site, "bob") as bob:
        alice.frame()
        bob.frame()
        alice.say_raw(frame)
        assert alice.closing()[0] == 4400
        site.python(TELL_ALICE.replace("alice", "x").replace("bob", "alice").replace('"x"', '"bob"'))
        assert bob.until("notification.created")


def test_a_binary_frame_is_refused(site: Site) -> None:
    with listening(site, "alice") as alice:
        alice.frame()
        alice.say_raw(b"{}")
        assert alice.closing()[0] == 4400


def test_a_frame_of_more_than_eight_kibibytes_is_too_large(site: Site) -> None:
    with listening(site, "alice") as alice:
        alice.frame()
        alice.say(padding="x" * 9000)
        assert alice.closing()[0] == 1009


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "https://127.0.0.1",
        "http://127.0.0.1.evil.io",
        "http://127.0.0.1@evil.io",
        "*",
    ],
)
def test_a_page_of_another_origin_is_refused_before_the_handshake(site: Site, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refusal, listening(site, "alice", origin=origin):
        pass
    assert refusal.value.response.status_code == 403


def test_the_same_host_on_another_port_is_another_origin(site: Site) -> None:
    with pytest.raises(InvalidStatus), listening(site, "alice", origin=f"http://127.0.0.1:{site.port + 1}"):
        pass


def test_a_person_has_so_many_connections_and_the_oldest_goes(start_site: object) -> None:
    site = start_site(LIVE_PER_USER="2")  # type: ignore[operator]
    with listening(site, "alice") as oldest:
        oldest.frame()
        with listening(site, "alice") as second, listening(site, "alice") as third:
            second.frame()
            third.frame()
            assert oldest.closing()[0] == 4429
            site.python(TELL_ALICE)
            assert second.until("notification.created")
            assert third.until("notification.created")


def test_overlapping_subscriptions_deliver_once(site: Site) -> None:
    with listening(site, "alice", topics=["inbox", "everyone", "everyone"]) as alice:
        alice.frame()
        site.python("from notifications_hub import broadcast; broadcast(title='Tea is ready')")
        event = alice.until("announcement.created")
        assert event["topic"] == "everyone"
        assert alice.hears_nothing()
