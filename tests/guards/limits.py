"""Guards of limits on sending, requesting and waiting."""

from __future__ import annotations

from tests.guards.guard import Guard

_LIVE = "notifications_hub/live"
_INBOX = "notifications_hub/inbox"

LIMITS = [
    # Limits
    Guard(
        "the number of a client's frames",
        f"{_LIVE}/websocket.py",
        "return len(recent) >= FRAMES",
        "return False",
        ("tests/live/test_websocket.py::test_more_than_twenty_frames_in_ten_seconds_are_too_many",),
    ),
    Guard(
        "the queue of a slow reader",
        f"{_LIVE}/connection.py",
        "MAX_WAITING = 256 * 1024",
        "MAX_WAITING = 1 << 40",
        ("tests/live/test_fanout.py::test_a_client_with_too_many_waiting_bytes_is_closed_as_too_slow",),
    ),
    Guard(
        "the size of a client's frame",
        f"{_LIVE}/websocket.py",
        "elif len(text) > MAX_CLIENT_FRAME:",
        "elif False:",
        ("tests/live/test_websocket.py::test_a_frame_over_the_limit_is_too_large_even_if_the_server_lets_it_through",),
    ),
    Guard(
        "the bytes of one reading",
        "notifications_hub/streams/store.py",
        "for_reader=size,",
        "for_reader=1 << 40,",
        ("tests/streams/test_store.py::test_a_reading_fetches_only_the_events_that_it_returns",),
    ),
    Guard(
        "the bytes of a reader among many",
        "notifications_hub/streams/store.py",
        "kept.append(reading.within(size))",
        "kept.append(reading)",
        ("tests/streams/test_store.py::test_a_reader_of_many_shared_topics_gets_one_frame",),
    ),
    Guard(
        "the bytes of readings for many",
        "notifications_hub/streams/store.py",
        "for_all=BATCH_BYTES,",
        "for_all=1 << 40,",
        ("tests/streams/test_store.py::test_readers_of_one_statement_share_its_bytes",),
    ),
    Guard(
        "the number of waiting handshakes",
        f"{_LIVE}/handshake_limit.py",
        "if self._waiting >= self._most_waiting:",
        "if False:",
        ("tests/live/test_caps.py::test_the_number_of_waiting_handshakes_is_bounded",),
    ),
    Guard(
        "a person's connections in all processes",
        f"{_LIVE}/shared_cap.py",
        "            if connection.opened < opened:",
        "            if False:",
        ("tests/live/test_shared_cap.py::test_the_oldest_connections_over_the_cap_are_closed_in_every_hub",),
    ),
    Guard(
        "the time for the head of a request",
        "notifications_hub/ops/web_server.py",
        "self._expect(HEAD_SECONDS)",
        "pass",
        ("tests/ops/test_web_server.py::test_half_sent_requests_are_closed_and_block_nobody",),
    ),
    Guard(
        "the size of the head of a request",
        "notifications_hub/ops/web_server.py",
        "if self._head_bytes > MAX_HEAD and not self.transport.is_closing():",
        "if False:",
        ("tests/ops/test_web_server.py::test_an_endless_head_is_refused",),
    ),
    Guard(
        "the wait for a client that does not read",
        "notifications_hub/ops/web_server.py",
        "and not (self.close_sent or self.disconnected or self._paused)",
        "and not (self.close_sent or self.disconnected)",
        ("tests/ops/test_socket_frames.py::test_a_sender_waits_for_a_client_that_does_not_read",),
    ),
    Guard(
        "the rate of sign-ins from an address",
        "accounts/urls.py",
        'throttled("sign_in")(auth_views.LoginView.as_view())',
        "auth_views.LoginView.as_view()",
        ("tests/accounts/test_throttles.py::test_one_address_can_try_a_limited_number_of_names",),
    ),
    Guard(
        "the rate of forms",
        "accounts/throttles.py",
        'if request.method == "POST" and (seconds := _seconds_to_wait(request, scope)):',
        "if seconds := 0:",
        ("tests/accounts/test_throttles.py::test_a_throttled_request_has_no_effect",),
    ),
    Guard(
        "the rate of the API",
        f"{_INBOX}/responses.py",
        "response = _too_many(request) or _unreadable(",
        "response = _unreadable(",
        ("tests/inbox/test_api.py::test_the_api_says_how_long_to_wait_beyond_its_rate",),
    ),
    Guard(
        "wrong passwords lock a name",
        "config/settings.py",
        '"axes.backends.AxesStandaloneBackend", ',
        "",
        ("tests/accounts/test_throttles.py::test_five_wrong_passwords_lock_out_the_right_one_too",),
    ),
    Guard(
        "a header is not trusted as an address",
        "notifications_hub/web/throttle.py",
        'request.META.get("REMOTE_ADDR", "")',
        'request.headers.get("X-Forwarded-For", request.META.get("REMOTE_ADDR", ""))',
        ("tests/web/test_throttle.py::test_the_server_names_the_address_and_ipv6_counts_by_network",),
    ),
    # Waiting
    Guard(
        "a waiting sender holds no stream",
        "notifications_hub/notify_statement.py",
        " AND EXISTS (SELECT FROM free)",
        "",
        ("tests/test_notify_insert.py::test_a_sender_who_waits_for_a_locked_person_does_not_hold_the_stream",),
        postgres=True,
    ),
    Guard(
        "a transaction holds no stream",
        "notifications_hub/notify_insert.py",
        " and database.get_autocommit()",
        "",
        ("tests/test_notify_insert.py::test_a_transaction_does_not_hold_the_stream",),
        postgres=True,
    ),
    Guard(
        "a numberer locks known streams before it makes new ones",
        "notifications_hub/streams/sequencer.py",
        "(SELECT count(*) FROM locked) >= 0 AND ",
        "",
        ("tests/streams/test_streams_faults.py::test_a_numberer_that_waits_for_a_known_stream_has_made_no_new_one",),
        postgres=True,
    ),
]
