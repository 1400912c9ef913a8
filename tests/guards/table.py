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
    # What people write
    Guard(
        "Markdown is sanitised",
        "notifications_hub/announcements/markdown.py",
        "clean = nh3.clean(_rendered(text), tags=_ALLOWED,",
        "clean = (lambda text, **named: text)(_rendered(text), tags=_ALLOWED,",
        ("tests/announcements/test_markdown.py",),
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
]
