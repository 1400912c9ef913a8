"""Guards of pushes: their destinations, and the owners of browsers."""

from __future__ import annotations

from tests.guards.guard import Guard

_PUSH = "notifications_hub/transports/web_push"
_OUTBOUND = "notifications_hub/transports/outbound"
_INBOX = "notifications_hub/inbox"

PUSHES = [
    # Destinations
    Guard(
        "each push shows something",
        "service_worker/static/service_worker/push.js",
        "    await worker.registration.showNotification(untitled(), { tag: text(payload.notification?.tag), data });\n",
        "",
        ("tests/js/service_worker/push-worker.test.js",),
    ),
    Guard(
        "push services are known hosts",
        f"{_PUSH}/endpoints.py",
        "if host not in HOSTS and not (_HOST_NAME.fullmatch(host) and host.endswith(HOST_SUFFIXES)):",
        "if False:",
        ("tests/transports/test_endpoints.py::test_any_other_endpoint_is_refused",),
    ),
    Guard(
        "an endpoint at registration is public",
        f"{_OUTBOUND}/endpoints.py",
        "if not all(is_public(address) for address in addresses):",
        "if False:",
        ("tests/transports/test_endpoints.py",),
    ),
    Guard(
        "an endpoint at sending is public",
        f"{_OUTBOUND}/resolver.py",
        'if not self._may_be_private(host, port) and not all(is_public(result["host"]) for result in found):',
        "if False:",
        ("tests/transports/test_resolver.py::test_a_connection_gets_public_addresses_only",),
    ),
    Guard(
        "no redirect is followed",
        f"{_OUTBOUND}/http_client.py",
        "allow_redirects=False",
        "allow_redirects=True",
        ("tests/transports/test_web_push.py::test_a_redirect_into_the_private_network_is_not_followed",),
    ),
    Guard(
        "no proxy of the environment is used",
        f"{_OUTBOUND}/http_client.py",
        "trust_env=False",
        "trust_env=True",
        ("tests/transports/test_web_push.py::test_the_environment_cannot_send_pushes_through_a_proxy",),
    ),
    Guard(
        "an answer is read to a limit",
        f"{_OUTBOUND}/http_client.py",
        "BODY_BYTES = 4096",
        "BODY_BYTES = 1 << 30",
        ("tests/transports/test_web_push.py::test_only_the_start_of_an_answer_is_kept",),
    ),
    Guard(
        "an answer is not decompressed",
        f"{_OUTBOUND}/http_client.py",
        "auto_decompress=False",
        "auto_decompress=True",
        ("tests/transports/test_web_push.py::test_a_compressed_answer_is_not_decompressed",),
    ),
    Guard(
        "a push service sets no cookie",
        f"{_OUTBOUND}/http_client.py",
        "cookie_jar=aiohttp.DummyCookieJar()",
        "cookie_jar=aiohttp.CookieJar(unsafe=True)",
        ("tests/transports/test_web_push.py::test_a_push_service_cannot_set_a_cookie",),
    ),
    # Owners of browsers
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
        "notifications_hub/message.py",
        "if message.privacy is Privacy.FULL:",
        "if True:",
        ("tests/transports/test_payload.py",),
    ),
    Guard(
        "the private key is shown nowhere",
        f"{_PUSH}/vapid.py",
        'return f"<VapidKey {self.fingerprint}>"',
        'return f"<VapidKey {self._signer.private_pem()}>"',
        ("tests/transports/test_vapid.py::test_the_private_key_is_shown_nowhere",),
    ),
    Guard(
        "a push for somebody else shows no words",
        "service_worker/static/service_worker/push.js",
        "person !== undefined && person !== owner;",
        "false;",
        ("tests/js/service_worker/push-worker.test.js",),
    ),
    Guard(
        "a push reports to this site alone",
        "service_worker/static/service_worker/push.js",
        "return absolute.origin === worker.location.origin ? absolute.href : null;",
        "return absolute.href;",
        ("tests/js/service_worker/push-worker.test.js",),
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
        f"{_OUTBOUND}/endpoints.py",
        "return _as_browsers_write_it(url)",
        "return url",
        ("tests/transports/test_endpoints.py::test_an_endpoint_has_one_spelling",),
    ),
    Guard(
        "a report's token is signed for that alone",
        "notifications_hub/delivery/preparing.py",
        'ACT_SALT = "notifications_hub.act"',
        'ACT_SALT = "django.core.signing"',
        ("tests/inbox/test_push_api.py::test_a_token_that_was_signed_for_another_purpose_is_refused",),
    ),
    Guard(
        "a report's token ends with the session",
        f"{_PUSH}/session_binding.py",
        "return find_own(person, address).filter(password_stamp__in=stamps).exists()",
        "return True",
        ("tests/inbox/test_push_api.py::test_a_token_ends_with_the_session_that_its_browser_was_registered_in",),
    ),
    Guard(
        "no endpoint is in the log",
        f"{_OUTBOUND}/endpoints.py",
        '                text = text.replace(part, "…")\n',
        "                pass\n",
        ("tests/transports/test_endpoints.py::test_the_words_of_a_push_service_are_logged_without_tokens",),
    ),
    Guard(
        "no cursor is in the log",
        "notifications_hub/ops/web_server.py",
        "        log_config=_log_config(),\n",
        "",
        ("tests/test_secrets_in_logs.py::test_no_endpoint_key_cursor_or_session_is_in_the_log",),
    ),
]
