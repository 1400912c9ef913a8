"""Guards of people's own addresses: where they lead, and who sees and uses them."""

from __future__ import annotations

from tests.guards.guard import Guard

_TRANSPORTS = "notifications_hub/transports"
_APPRISE = "tests/transports/test_apprise.py"
_WEBHOOK = "tests/transports/test_webhook.py"
_PAGE = "tests/inbox/test_own_addresses.py"

ADDRESSES = [
    Guard(
        "a webhook's number is public",
        f"{_TRANSPORTS}/outbound/endpoints.py",
        "if _is_number(endpoint.host) and not is_public(endpoint.host):",
        "if False:",
        (f"{_WEBHOOK}::test_a_number_of_a_private_network_is_refused_when_it_is_dialled",),
    ),
    Guard(
        "a webhook is https",
        f"{_TRANSPORTS}/outbound/endpoints.py",
        '        if url.scheme != "https":\n',
        "        if False:\n",
        (f"{_WEBHOOK}::test_an_incomplete_address_is_refused",),
    ),
    Guard(
        "a webhook is signed with its id and time",
        f"{_TRANSPORTS}/webhook/signature.py",
        "Signer(key).sign(message_id, now, body)",
        'Signer(key).sign(message_id, now, "")',
        (f"{_WEBHOOK}::test_a_request_is_verified_by_the_library_of_standard_webhooks",),
    ),
    Guard(
        "a chat service's scheme is on the list",
        f"{_TRANSPORTS}/apprise/services.py",
        "if not _schemas_of(service) & set(hub_settings.apprise_schemas):",
        "if False:",
        (f"{_APPRISE}::test_a_link_of_a_service_that_is_not_listed_is_refused",),
    ),
    Guard(
        "a chat service's host is on the list",
        f"{_TRANSPORTS}/apprise/services.py",
        "if host and not _is_allowed_host(host.lower(), service.port or 0):",
        "if False:",
        (f"{_APPRISE}::test_a_host_that_is_not_listed_and_several_recipients_are_refused",),
    ),
    Guard(
        "a chat service is not in a private network",
        f"{_TRANSPORTS}/apprise/guard.py",
        "or not self._may_connect(address):",
        "or False:",
        (f"{_APPRISE}::test_a_listed_ending_that_leads_into_a_private_network_is_refused_when_dialled",),
    ),
    Guard(
        "a chat service's address reads no file",
        f"{_TRANSPORTS}/apprise/guard.py",
        '    "open": _opens,\n',
        "",
        (f"{_APPRISE}::test_an_address_cannot_read_a_file_of_the_server",),
    ),
    Guard(
        "no part of a chat service's address is in the log",
        f"{_TRANSPORTS}/apprise/guard.py",
        "logging.getLogger(name).addFilter(_keep_to_guard)",
        "pass",
        (f"{_APPRISE}::test_no_part_of_an_address_is_in_the_log_or_in_the_reason",),
    ),
    Guard(
        "an address is stored encrypted",
        f"{_TRANSPORTS}/own_addresses/sealing.py",
        'return _box().encrypt(json.dumps(value).encode()).decode("ascii")',
        "return json.dumps(value)",
        (f"{_WEBHOOK}::test_an_address_is_stored_sealed_and_opened_by_older_keys",),
    ),
    Guard(
        "an address is its owner's alone",
        f"{_TRANSPORTS}/own_addresses/store.py",
        "OwnAddress.objects.filter(owner_id=person.pk, pk=int(pk))",
        "OwnAddress.objects.filter(pk=int(pk))",
        (f"{_PAGE}::test_charlie_cannot_use_test_renew_or_remove_alices_address",),
    ),
    Guard(
        "the number of addresses is limited",
        f"{_TRANSPORTS}/own_addresses/store.py",
        "if OwnAddress.objects.filter(owner_id=person.pk).count() >= PER_PERSON:",
        "if False:",
        (f"{_PAGE}::test_the_same_address_is_added_once_and_the_number_is_limited",),
    ),
]
