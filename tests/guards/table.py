"""The guards that security rests on, and for each the tests that must fail once it is taken out.

A row names a file, the text that guards, what stands there without the guard, and the tests. The text must occur in
its file exactly once. `docs/security.md` says which threat each guard answers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """`text` in `file` becomes `without`; then at least one of `tests`, pytest ids or a node test file, must fail."""

    name: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]
    postgres: bool = False


_LIVE = "notifications_hub/live"
_PUSH = "notifications_hub/transports"
_INBOX = "notifications_hub/inbox"
_SESSION_END = "tests/live/test_session_end.py"
_SUBSCRIPTIONS = "tests/transports/test_subscriptions.py"

GUARDS = [
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
        f"{_LIVE}/http.py",
        "if cors is None:",
        "cors = cors or {}\n        if False:",
        ("tests/live/test_origin.py::test_over_http_a_page_of_another_origin_is_refused_and_cannot_read_why",),
    ),
    Guard(
        "the origin of an acknowledgement",
        f"{_LIVE}/views.py",
        "if cors is None:",
        "cors = cors or {}\n        if False:",
        ("tests/live/test_origin.py::test_a_stranger_may_neither_acknowledge_nor_ask_to",),
    ),
    Guard(
        "the session of a connection",
        f"{_LIVE}/session.py",
        "constant_time_compare(",
        "(lambda *given: True)(",
        ("tests/live/test_session_end.py", "tests/live/test_opening.py"),
    ),
    Guard(
        "the person whom a page was made for",
        f"{_LIVE}/opening.py",
        "visitor is None or (asked.person and not is_pseudonym_of(asked.person, visitor.person.pk))",
        "visitor is None",
        (f"{_SESSION_END}::test_a_page_of_somebody_who_was_here_before_hears_nothing_of_who_signed_in_after",),
    ),
    Guard(
        "a topic needs a rule that allows it",
        f"{_LIVE}/topics.py",
        "elif may_listen(person, name):",
        "else:",
        ("tests/live/test_behaviour.py::test_a_refused_topic_is_named_and_is_like_one_that_does_not_exist",),
    ),
    Guard(
        "the length of an origin",
        f"{_LIVE}/origin.py",
        "if len(text) > MAX_ORIGIN:",
        "if False:",
        ("tests/live/test_memory.py::test_long_headers_of_strangers_are_not_kept",),
    ),
    Guard(
        "the host that a stream or poll names",
        f"{_LIVE}/http.py",
        "if not _names_this_site(self.scope):",
        "if False:",
        ("tests/live/test_http.py::test_a_host_that_is_not_this_site_is_answered_nothing_though_no_page_is_named",),
    ),
    Guard(
        "no host's rule opens a topic of the package",
        f"{_LIVE}/topics.py",
        "(_own_rules if is_own(name) else _rules).values()",
        "(_rules | _own_rules).values()",
        ("tests/live/test_topics.py::test_a_broad_rule_of_a_host_opens_none_of_the_packages_topics",),
    ),
    Guard(
        "a cursor is signed",
        "notifications_hub/cursor.py",
        'return positions if _is_signed("~".join([version, *entries]), signature) else {}',
        "return positions",
        ("tests/test_cursor.py::test_a_cursor_that_was_changed_knows_nothing",),
    ),
    Guard(
        "an acknowledgement is of this epoch",
        "notifications_hub/delivery.py",
        "if place[2].epoch == epochs.get(place[1])]",
        "]",
        ("tests/test_delivery.py::test_numbers_of_another_epoch_are_not_acknowledged",),
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
        ("tests/live/test_session_end.py::test_signing_out_ends_it",),
    ),
    Guard(
        "a changed account ends connections",
        f"{_LIVE}/signing_out.py",
        "if instance.__dict__.pop(_ENDS_SESSIONS, False):",
        "if False:",
        ("tests/live/test_session_end.py::test_what_another_process_does_to_the_account_ends_it",),
    ),
    Guard(
        "rights are validated again",
        f"{_LIVE}/watch.py",
        "connection.end(answer.closing)",
        "pass",
        ("tests/live/test_rights.py",),
    ),
    # How much
    Guard(
        "the number of a client's frames",
        f"{_LIVE}/websocket.py",
        "return len(recent) >= FRAMES",
        "return False",
        ("tests/live/test_websocket.py::test_more_than_twenty_frames_in_ten_seconds_are_too_many",),
    ),
    Guard(
        "what may wait for a slow reader",
        f"{_LIVE}/connection.py",
        "MAX_WAITING = 256 * 1024",
        "MAX_WAITING = 1 << 40",
        ("tests/live/test_fanout.py::test_who_lets_more_wait_than_fits_is_too_slow",),
    ),
    Guard(
        "the size of a client's frame",
        f"{_LIVE}/websocket.py",
        "elif len(text) > MAX_CLIENT_FRAME:",
        "elif False:",
        ("tests/live/test_websocket.py::test_a_frame_that_a_server_of_any_settings_lets_through_is_too_large",),
    ),
    Guard(
        "the bytes of one reading",
        "notifications_hub/streams.py",
        "for_reader=size,",
        "for_reader=1 << 40,",
        ("tests/test_streams.py::test_many_topics_share_the_bytes_of_one_reading_and_all_get_their_turn",),
    ),
    Guard(
        "the bytes of readings for many",
        "notifications_hub/streams.py",
        "for_all=BATCH_BYTES,",
        "for_all=1 << 40,",
        (
            "tests/test_streams.py::test_readers_in_one_statement_share_its_bytes_and_those_without_room_have_more_to_come",
        ),
    ),
    Guard(
        "how many strangers wait at the door",
        f"{_LIVE}/gate.py",
        "if self._waiting >= self._most_waiting:",
        "if False:",
        ("tests/live/test_caps.py::test_so_many_may_wait_and_no_more",),
    ),
    Guard(
        "a person's connections in all processes",
        f"{_LIVE}/shared_cap.py",
        "            if connection.opened < opened:",
        "            if False:",
        ("tests/live/test_shared_cap.py::test_of_too_many_in_all_hubs_the_oldest_go_wherever_they_are",),
    ),
    Guard(
        "the time for the head of a request",
        "notifications_hub/server.py",
        "self._expect(HEAD_SECONDS)",
        "pass",
        ("tests/test_server.py::test_half_sent_requests_are_closed_and_keep_nobody_out",),
    ),
    Guard(
        "the size of the head of a request",
        "notifications_hub/server.py",
        "if self._head_bytes > MAX_HEAD and not self.transport.is_closing():",
        "if False:",
        ("tests/test_server.py::test_a_head_without_end_is_refused",),
    ),
    Guard(
        "the rate of sign-ins from an address",
        "accounts/urls.py",
        'throttled("sign_in")(auth_views.LoginView.as_view())',
        "auth_views.LoginView.as_view()",
        ("tests/accounts/test_throttles.py::test_one_address_tries_only_so_many_names",),
    ),
    Guard(
        "the rate of forms",
        "accounts/throttles.py",
        'if request.method == "POST" and (seconds := _seconds_to_wait(request, scope)):',
        "if seconds := 0:",
        ("tests/accounts/test_throttles.py::test_what_is_refused_is_not_done",),
    ),
    Guard(
        "the rate of the API",
        f"{_INBOX}/answers.py",
        "response = _too_many(request) or view(",
        "response = view(",
        ("tests/inbox/test_api.py::test_beyond_its_rate_the_api_says_how_long_to_wait",),
    ),
    Guard(
        "wrong passwords lock a name",
        "config/settings.py",
        '"axes.backends.AxesStandaloneBackend", ',
        "",
        ("tests/accounts/test_throttles.py::test_after_five_wrong_passwords_the_right_one_is_refused_too",),
    ),
    Guard(
        "a header is no address",
        "notifications_hub/client_ip.py",
        'request.META.get("REMOTE_ADDR", "")',
        'request.headers.get("X-Forwarded-For", request.META.get("REMOTE_ADDR", ""))',
        (
            "tests/test_throttle.py::test_an_address_is_the_servers_word_and_a_network_where_one_customer_has_a_whole_one",
        ),
    ),
    # Whose rows
    Guard(
        "the inbox is its person's",
        f"{_INBOX}/queries.py",
        "Notification.objects.visible().filter(recipient=person)",
        "Notification.objects.visible()",
        ("tests/inbox/test_charlie.py", "tests/inbox/test_queries.py::test_charlie_sees_nothing_of_alices"),
    ),
    Guard(
        "the API asks for the CSRF token",
        f"{_INBOX}/answers.py",
        "if check_csrf(request) is not None:",
        "if False:",
        ("tests/inbox/test_api.py::test_a_post_without_the_csrf_token_changes_nothing",),
    ),
    Guard(
        "no cache keeps the API's answers",
        f"{_INBOX}/answers.py",
        "patch_cache_control(response, no_store=True, private=True)",
        "pass",
        ("tests/inbox/test_api.py::test_nothing_may_be_kept_by_a_cache",),
    ),
    Guard(
        "no cache keeps the inbox page",
        f"{_INBOX}/views.py",
        "cache_control(no_store=True, private=True)",
        "cache_control()",
        ("tests/inbox/test_views.py::test_no_cache_may_keep_a_page",),
    ),
    Guard(
        "a link stays on this site",
        "notifications_hub/paths.py",
        'if strange or not url.startswith("/") or url.startswith("//"):',
        "if False:",
        ("tests/test_paths.py",),
    ),
    Guard(
        "no cache keeps pages of signed-in people",
        "accounts/middleware.py",
        'if person.is_authenticated and not response.has_header("Cache-Control"):',
        "if False:",
        (
            "tests/accounts/test_middleware.py::test_pages_of_signed_in_people_are_kept_by_nobody",
            "tests/test_shared_cache.py::test_a_cache_keeps_nothing_of_a_person_for_who_comes_after",
        ),
    ),
    Guard(
        "a link that an open page hears of stays on this site",
        "notifications_hub/static/notifications_hub/item-view.js",
        'return new URL(url, base).origin === new URL(base).origin ? url : "";',
        "return url;",
        ("tests/js/item-view.test.js",),
    ),
    Guard(
        "what is deleted is blank in the log",
        "notifications_hub/numbering.py",
        "data = coalesce(words, '{{}}')\n    FROM (",
        "data = data\n    FROM (",
        ("tests/test_tombstones.py::test_a_deleted_row_is_in_no_log",),
    ),
    Guard(
        "what is deleted is blank in PostgreSQL's log",
        "notifications_hub/numbering.py",
        "data = coalesce(words, '{{}}')\n        FROM earlier",
        "data = event.data\n        FROM earlier",
        ("tests/test_tombstones.py::test_a_deleted_row_is_in_no_log",),
        postgres=True,
    ),
    Guard(
        "what is deleted before its number is blank in PostgreSQL's log",
        "notifications_hub/numbering.py",
        "data = CASE WHEN last IS NULL THEN data ELSE coalesce(words, '{{}}') END,",
        "data = event.data,",
        (
            "tests/test_tombstones.py::test_what_waits_for_its_number_when_its_row_is_deleted_is_numbered_as_a_tombstone",
        ),
        postgres=True,
    ),
    Guard(
        "a job's log goes with the job",
        "notifications_hub/jobs/log_removal.py",
        "        Event.objects.filter(topic__in=some).delete()\n",
        "",
        ("tests/test_deleted_person.py::test_nothing_that_a_deleted_person_was_told_or_registered_is_kept",),
    ),
    Guard(
        "nobody is pulled into a room",
        "showcase/chat/rooms.py",
        "Invitation.objects.get_or_create(room=room, person=person)",
        "join(room, person)",
        ("tests/showcase/chat/test_rooms.py::test_strangers_push_nobodys_own_rooms_out_of_what_they_hear",),
    ),
    Guard(
        "an invitation is its person's",
        "showcase/chat/members.py",
        "slug=slug, invitations__person=person_of(request)",
        "slug=slug",
        ("tests/showcase/chat/test_rooms.py::test_nobody_comes_in_by_an_invitation_that_is_not_theirs",),
    ),
    Guard(
        "no other database role has changes noted",
        "notifications_hub/rows/triggers.py",
        "(_FUNCTION, _REVOKE, *_CREATE)",
        "(_FUNCTION, *_CREATE)",
        ("tests/rows/test_row_triggers.py::test_another_role_cannot_have_the_function_note_a_table_of_its_own",),
        postgres=True,
    ),
    Guard(
        "no table is noted that is not the declared one",
        "notifications_hub/rows/triggers.py",
        "IF declared IS NULL OR declared NOT IN (",
        "IF false AND declared NOT IN (",
        (
            "tests/rows/test_row_triggers.py::test_a_table_that_is_not_the_declared_one_is_not_noted_though_its_owner_may_use_the_function",
        ),
        postgres=True,
    ),
    # What people write
    Guard(
        "Markdown is sanitised",
        "notifications_hub/announcements/markdown.py",
        "clean = nh3.clean(_rendered(text), tags=_ALLOWED,",
        "clean = (lambda text, **named: text)(_rendered(text), tags=_ALLOWED,",
        ("tests/announcements/test_markdown.py",),
    ),
    Guard(
        "a name cannot turn a kind's words",
        "notifications_hub/rendering.py",
        "named = _with_isolated_names(row)",
        "named = row",
        ("tests/test_text.py::test_a_kind_is_handed_names_that_cannot_turn_its_words",),
    ),
    Guard(
        "a text ends the directions that it begins",
        "notifications_hub/rendering.py",
        "return balanced(_text(words))",
        "return _text(words)",
        ("tests/test_text.py::test_what_a_kind_takes_from_its_data_turns_nothing_outside_of_its_words",),
    ),
    Guard(
        "a worker takes nothing that runs as code",
        "config/settings.py",
        'CELERY_ACCEPT_CONTENT = ["json"]',
        'CELERY_ACCEPT_CONTENT = ["json", "pickle"]',
        ("tests/test_tasks.py::test_a_worker_takes_data_from_its_broker_and_nothing_that_runs_as_code",),
    ),
    # Where pushes go
    Guard(
        "push services are known hosts",
        f"{_PUSH}/endpoints.py",
        "if host not in HOSTS and not (_HOST_NAME.fullmatch(host) and host.endswith(HOST_SUFFIXES)):",
        "if False:",
        ("tests/transports/test_endpoints.py::test_anything_else_is_refused",),
    ),
    Guard(
        "an endpoint at registration is public",
        f"{_PUSH}/endpoints.py",
        "if not all(is_public(address) for address in addresses):",
        "if False:",
        ("tests/transports/test_endpoints.py",),
    ),
    Guard(
        "an endpoint at sending is public",
        f"{_PUSH}/resolver.py",
        'if not is_extra_host(host, port) and not all(is_public(result["host"]) for result in found):',
        "if False:",
        ("tests/transports/test_resolver.py::test_a_connection_gets_public_addresses_only",),
    ),
    Guard(
        "no redirect is followed",
        f"{_PUSH}/push_client.py",
        "allow_redirects=False",
        "allow_redirects=True",
        ("tests/transports/test_web_push.py::test_a_redirect_into_the_private_network_is_not_followed",),
    ),
    Guard(
        "no proxy of the environment is used",
        f"{_PUSH}/push_client.py",
        "trust_env=False",
        "trust_env=True",
        ("tests/transports/test_web_push.py::test_the_environment_cannot_send_pushes_through_a_proxy",),
    ),
    Guard(
        "an answer is read to a limit",
        f"{_PUSH}/push_client.py",
        "BODY_BYTES = 4096",
        "BODY_BYTES = 1 << 30",
        ("tests/transports/test_web_push.py::test_only_the_start_of_an_answer_is_kept",),
    ),
    Guard(
        "an answer is not unpacked",
        f"{_PUSH}/push_client.py",
        "auto_decompress=False",
        "auto_decompress=True",
        ("tests/transports/test_web_push.py::test_a_packed_answer_is_not_unpacked",),
    ),
    Guard(
        "a push service sets no cookie",
        f"{_PUSH}/push_client.py",
        "cookie_jar=aiohttp.DummyCookieJar()",
        "cookie_jar=aiohttp.CookieJar(unsafe=True)",
        ("tests/transports/test_web_push.py::test_a_push_service_cannot_set_a_cookie",),
    ),
    # Whose browser
    Guard(
        "a browser is taken over with its secret alone",
        f"{_PUSH}/subscriptions.py",
        "if not constant_time_compare(other.auth, keys.auth):",
        "if False:",
        ("tests/transports/test_subscriptions.py::test_charlie_cannot_take_alices_browser_by_knowing_its_endpoint",),
    ),
    Guard(
        "a browser is forgotten by its owner alone",
        f"{_PUSH}/subscriptions.py",
        "PushSubscription.objects.filter(owner_id=user.pk, pk=int(pk))",
        "PushSubscription.objects.filter(pk=int(pk))",
        ("tests/transports/test_subscriptions.py::test_charlie_cannot_forget_alices_browser",),
    ),
    Guard(
        "a private kind shows nothing on a locked screen",
        f"{_PUSH}/payload.py",
        "if message.privacy is Privacy.FULL:",
        "if True:",
        ("tests/transports/test_payload.py",),
    ),
    Guard(
        "the private key shows nowhere",
        f"{_PUSH}/vapid.py",
        'return f"<VapidKey {self.fingerprint}>"',
        'return f"<VapidKey {self._signer.private_pem()}>"',
        ("tests/transports/test_vapid.py::test_the_private_key_shows_nowhere",),
    ),
    Guard(
        "a push for somebody else shows no words",
        "service_worker/static/service_worker/push.js",
        "person !== undefined && person !== owner;",
        "false;",
        ("tests/js/push-worker.test.js",),
    ),
    Guard(
        "a push reports to this site alone",
        "service_worker/static/service_worker/push.js",
        "return absolute.origin === worker.location.origin ? absolute.href : null;",
        "return absolute.href;",
        ("tests/js/push-worker.test.js",),
    ),
    Guard(
        "a report's token does not last for ever",
        f"{_INBOX}/push_api.py",
        "max_age=ACT_AGE",
        "max_age=None",
        ("tests/inbox/test_push_api.py::test_a_token_does_not_last_for_ever",),
    ),
    Guard(
        "an endpoint has one spelling",
        f"{_PUSH}/endpoints.py",
        "return _as_browsers_write_it(url)",
        "return url",
        ("tests/transports/test_endpoints.py::test_an_endpoint_has_one_spelling",),
    ),
    Guard(
        "a report's token is signed for that alone",
        "notifications_hub/worker.py",
        'ACT_SALT = "notifications_hub.act"',
        'ACT_SALT = "django.core.signing"',
        ("tests/inbox/test_push_api.py::test_a_token_that_was_signed_for_another_purpose_is_refused",),
    ),
    Guard(
        "a report's token ends with the session",
        f"{_PUSH}/binding.py",
        "return own(person, address).filter(password_stamp__in=stamps).exists()",
        "return True",
        ("tests/inbox/test_push_api.py::test_a_token_ends_with_the_session_that_its_browser_was_registered_in",),
    ),
    Guard(
        "no endpoint is in the log",
        f"{_PUSH}/endpoints.py",
        '                text = text.replace(part, "…")\n',
        "                pass\n",
        ("tests/transports/test_endpoints.py::test_words_of_a_push_service_are_logged_without_what_lets_others_send",),
    ),
    Guard(
        "no cursor is in the log",
        "notifications_hub/server.py",
        "        log_config=_log_config(),\n",
        "",
        ("tests/test_secrets_in_logs.py::test_no_endpoint_key_cursor_or_session_is_in_the_log",),
    ),
    # What staff see
    Guard(
        "announcing takes a permission of its own",
        "notifications_hub/announcements/admin_parts.py",
        "return request.user.has_perm(PERMISSION) and ",
        "return request.user.is_staff and ",
        ("tests/announcements/test_admin.py::test_being_staff_is_not_enough",),
    ),
    Guard(
        "the admin shows no arguments of jobs",
        "notifications_hub/admin.py",
        '"title", "owner", "audience", "task", "parent", "url")}',
        '"title", "owner", "audience", "task", "parent", "url", "arguments")}',
        ("tests/test_admin.py::test_what_a_job_was_given_and_gave_stays_its_owners",),
    ),
    Guard(
        "the admin shows no keys of browsers",
        "notifications_hub/admin.py",
        'fields = ("browser", "owner", "created",',
        'fields = ("browser", "auth", "owner", "created",',
        ("tests/test_admin.py::test_what_would_let_others_send_is_nowhere",),
    ),
    Guard(
        "staff filter by what a list declares",
        "notifications_hub/admin_guards.py",
        "return lookup in {name for one in declared for name in _parameters_of(one)}",
        "return bool(lookup or declared)",
        ("tests/test_admin_guards.py::test_a_lookup_that_no_filter_declares_is_refused",),
    ),
    Guard(
        "staff read what people are notified of by a right of its own",
        "notifications_hub/admin_guards.py",
        "hidden = frozenset() if request.user.has_perm(SEE_CONTENT) else self.content",
        "hidden = frozenset[str]()",
        ("tests/test_admin_guards.py::test_staff_see_what_people_were_notified_of_only_by_a_right_of_its_own",),
    ),
    Guard(
        "no metrics without a setting",
        "notifications_hub/health.py",
        "if not (hub_settings.metrics_token or hub_settings.metrics_allow):",
        "if False:",
        ("tests/test_health.py::test_without_a_token_or_an_allow_list_there_are_no_metrics",),
    ),
    Guard(
        "the metrics' token",
        "notifications_hub/health.py",
        "return bool(token) and constant_time_compare(",
        "return bool(token) or constant_time_compare(",
        ("tests/test_health.py::test_only_the_token_itself_opens_the_metrics",),
    ),
    Guard(
        "the metrics' allow list",
        "notifications_hub/health.py",
        "return any(address in network for network in networks)",
        "return bool(networks)",
        ("tests/test_health.py::test_only_addresses_on_the_allow_list_come_without_a_token",),
    ),
    Guard(
        "what a proxy passes on is on no allow list",
        "notifications_hub/health.py",
        "if address is None or any(name in request.headers for name in _FORWARDED):",
        "if address is None:",
        ("tests/test_health.py::test_what_comes_through_a_proxy_is_on_no_allow_list",),
    ),
    Guard(
        "no site starts beside the demo people",
        "notifications_hub/startup.py",
        " or demo.check_at_start()",
        "",
        ("tests/test_demo_accounts.py::test_a_site_without_debug_does_not_start_beside_demo_people",),
    ),
    Guard(
        "the demo people are found without DEBUG",
        "notifications_hub/demo.py",
        "people = [] if settings.DEBUG else open_accounts()",
        "people = list[Any]()",
        ("tests/test_demo_accounts.py::test_only_who_has_the_known_password_is_refused_and_removed",),
    ),
]
