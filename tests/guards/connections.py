"""Guards of live connections: opening them, and their lifetime."""

from __future__ import annotations

from tests.guards.guard import Guard

_LIVE = "notifications_hub/live"
_PUBLIC = "tests/live/test_public_topics.py"
_TOKENS = "tests/live/test_connection_tokens.py"
_SESSION_END = "tests/live/test_session_end.py"

CONNECTIONS = [
    # Opening
    Guard(
        "a socket's origin",
        f"{_LIVE}/websocket.py",
        "if not caller.may_open_socket() and not (caller.has_no_origin and sends_token(scope)):",
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
        "the person a page was made for",
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
        "only public topics are open to strangers",
        f"{_LIVE}/topics.py",
        "declared is not None and declared.public for declared in found",
        "declared is not None for declared in found",
        (f"{_PUBLIC}::test_any_other_topic_asks_to_sign_in_whether_or_not_it_exists",),
    ),
    Guard(
        "a rule without public is not asked about strangers",
        f"{_LIVE}/topics.py",
        "not (declared.public or person.is_authenticated)",
        "False",
        ("tests/live/test_topics.py::test_only_a_public_rule_is_asked_about_strangers",),
    ),
    Guard(
        "the cap of strangers in a process",
        f"{_LIVE}/hub.py",
        "if 0 < hub_settings.live_anonymous < self._anonymous:",
        "if False:",
        (f"{_PUBLIC}::test_strangers_of_many_addresses_leave_room_for_people",),
    ),
    Guard(
        "the rate of strangers of an address",
        f"{_LIVE}/handshake.py",
        "        await self._count_stranger(address_of(scope))\n",
        "",
        (f"{_PUBLIC}::test_an_address_that_polls_or_reconnects_too_often_is_held",),
    ),
    Guard(
        "the rate at which a stranger's socket changes its topics",
        f"{_LIVE}/handshake.py",
        "            await self._count_stranger(address_in(connection.owner))\n",
        "            pass\n",
        (f"{_PUBLIC}::test_a_socket_that_changes_its_topics_too_often_is_held",),
    ),
    Guard(
        "a token opens only its topics",
        f"{_LIVE}/admission.py",
        "if visitor.topics is not None and",
        "if False and",
        (f"{_TOKENS}::test_a_token_opens_only_its_own_topics",),
    ),
    Guard(
        "a token ends with the password",
        f"{_LIVE}/connection_token.py",
        "if person is None or not _is_current(claim, person):",
        "if person is None:",
        ("tests/live/test_token_claims.py::test_a_changed_password_ends_a_token",),
    ),
    Guard(
        "a revoked token stays invalid",
        f"{_LIVE}/connection_token.py",
        "if revocations.ends(",
        "if False and revocations.ends(",
        (f"{_TOKENS}::test_a_revoked_token_leaves_the_persons_other_tokens",),
    ),
    Guard(
        "a token in the query stays out of the log",
        "notifications_hub/ops/web_server.py",
        "|(?<=[?&]token=)",
        "",
        (f"{_TOKENS}::test_no_token_is_in_the_log",),
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
        "notifications_hub/streams/cursor.py",
        'return positions if _is_signed("~".join([version, *entries]), signature) else {}',
        "return positions",
        ("tests/streams/test_cursor.py::test_a_forged_cursor_holds_no_positions",),
    ),
    Guard(
        "an acknowledgement is of this epoch",
        "notifications_hub/delivery/acknowledgement.py",
        "if one[2].epoch == epochs.get(one[1])]",
        "]",
        ("tests/delivery/test_arming.py::test_numbers_of_another_epoch_are_not_acknowledged",),
    ),
    Guard(
        "a session key that no database can store is not looked up",
        f"{_LIVE}/session.py",
        "if key and is_storable(key)}",
        "if key}",
        ("tests/test_bad_input.py::test_an_invalid_session_key_does_not_affect_other_sessions",),
        postgres=True,
    ),
    Guard(
        "a token is signed for its purpose",
        f"{_LIVE}/connection_token.py",
        'Signer(sep=".", salt="notifications_hub.connection_token")',
        'Signer(sep=".", salt="another purpose")',
        ("tests/live/test_token_claims.py::test_a_forged_or_foreign_token_is_invalid",),
    ),
    Guard(
        "a topic's name has a form",
        "notifications_hub/streams/models.py",
        "if not _TOPIC.fullmatch(topic) or len(topic) > 200:",
        "if False:",
        ("tests/live/test_topics.py::test_an_invalid_topic_name_reaches_no_rule",),
    ),
    # Lifetime
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
