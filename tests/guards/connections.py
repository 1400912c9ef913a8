"""Guards of live connections: who may open one, and for how long."""

from __future__ import annotations

from tests.guards.guard import Guard

_LIVE = "notifications_hub/live"
_SESSION_END = "tests/live/test_session_end.py"

CONNECTIONS = [
    # Who may connect
    Guard(
        "a socket's origin",
        f"{_LIVE}/websocket.py",
        "if not Caller.of_scope(scope).may_open_socket():",
        "if False:",
        ("tests/live/test_origin.py::test_a_socket_of_another_origin_is_refused_before_the_handshake",),
    ),
    Guard(
        "the origin of a stream or poll",
        f"{_LIVE}/asgi_exchange.py",
        "if cors is None:",
        "cors = cors or {}\n        if False:",
        ("tests/live/test_origin.py::test_a_page_of_another_origin_is_refused_over_http_and_cannot_read_the_reason",),
    ),
    Guard(
        "the origin of an acknowledgement",
        f"{_LIVE}/views.py",
        "if cors is None:",
        "cors = cors or {}\n        if False:",
        ("tests/live/test_origin.py::test_another_origin_may_neither_acknowledge_nor_pass_a_preflight",),
    ),
    Guard(
        "the session of a connection",
        f"{_LIVE}/session.py",
        "constant_time_compare(",
        "(lambda *given: True)(",
        ("tests/live/test_session_end.py", "tests/live/test_admission.py"),
    ),
    Guard(
        "the person whom a page was made for",
        f"{_LIVE}/admission.py",
        "visitor is None or (asked.person and not is_pseudonym_of(asked.person, visitor.person.pk))",
        "visitor is None",
        (f"{_SESSION_END}::test_the_page_of_a_previous_person_gets_nothing_of_the_next_one",),
    ),
    Guard(
        "a topic needs a rule that allows it",
        f"{_LIVE}/topics.py",
        "elif may_listen(person, name):",
        "else:",
        ("tests/live/test_behaviour.py::test_a_refused_topic_is_named_and_looks_like_a_missing_one",),
    ),
    Guard(
        "the length of an origin",
        f"{_LIVE}/origin.py",
        "if len(text) > MAX_ORIGIN:",
        "if False:",
        ("tests/live/test_memory.py::test_long_headers_from_strangers_are_not_kept",),
    ),
    Guard(
        "the host that a stream or poll names",
        f"{_LIVE}/asgi_exchange.py",
        "if not _names_this_site(self.scope):",
        "if False:",
        ("tests/live/test_asgi_exchange.py::test_a_wrong_host_is_refused_even_without_an_origin",),
    ),
    Guard(
        "no host's rule opens a topic of the package",
        f"{_LIVE}/topics.py",
        "(_own_rules if is_own(name) else _rules).values()",
        "(_rules | _own_rules).values()",
        ("tests/live/test_topics.py::test_a_hosts_broad_rule_opens_none_of_the_packages_topics",),
    ),
    Guard(
        "a cursor is signed",
        "notifications_hub/cursor.py",
        'return positions if _is_signed("~".join([version, *entries]), signature) else {}',
        "return positions",
        ("tests/streams/test_cursor.py::test_a_cursor_that_was_changed_knows_nothing",),
    ),
    Guard(
        "an acknowledgement is of this epoch",
        "notifications_hub/delivery.py",
        "if place[2].epoch == epochs.get(place[1])]",
        "]",
        ("tests/delivery/test_arming.py::test_numbers_of_another_epoch_are_not_acknowledged",),
    ),
    Guard(
        "a session key that no database could hold is not asked for",
        f"{_LIVE}/session.py",
        "if key and is_storable(key)}",
        "if key}",
        ("tests/test_bad_input.py::test_a_session_key_that_no_session_has_costs_no_other_visitor_theirs",),
        postgres=True,
    ),
    # How long
    Guard(
        "signing out ends connections",
        f"{_LIVE}/signing_out.py",
        "user_logged_out.connect(",
        "(lambda *given, **named: None)(",
        ("tests/live/test_session_end.py::test_signing_out_ends_the_connection",),
    ),
    Guard(
        "a changed account ends connections",
        f"{_LIVE}/signing_out.py",
        "if instance.__dict__.pop(_ENDS_SESSIONS, False):",
        "if False:",
        ("tests/live/test_session_end.py::test_an_account_change_in_another_process_ends_the_connection",),
    ),
    Guard(
        "rights are validated again",
        f"{_LIVE}/access_enforcement.py",
        "connection.end(answer.closing)",
        "pass",
        ("tests/live/test_rights.py",),
    ),
]
