from __future__ import annotations

import socket

import pytest
from pytest_django import Settings

from notifications_hub.transports.outbound.endpoints import EndpointRefused, check_addresses, is_public
from notifications_hub.transports.web_push.endpoints import is_extra_host, parse_endpoint

GOOD = [
    "https://fcm.googleapis.com/fcm/send/abc:DEF-123_4",
    "https://fcm.googleapis.com:443/fcm/send/abc",
    "https://jmt17.google.com/fcm/send/abc",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAA=",
    "https://web.push.apple.com/QGuQyavXutnMH",
    "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAB%2bxyz",
    "https://FCM.googleapis.com/fcm/send/abc",
]
HOSTILE = [
    "",
    "nonsense",
    "/fcm/send/abc",
    "//fcm.googleapis.com/x",
    "http://fcm.googleapis.com/x",
    "ftp://fcm.googleapis.com/x",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https:fcm.googleapis.com/x",
    "https:///fcm.googleapis.com/x",
    "https://fcm.googleapis.com:444/x",
    "https://fcm.googleapis.com:80/x",
    "https://fcm.googleapis.com:99999/x",
    "https://fcm.googleapis.com:0/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://[fe80::1%25eth0]/x",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0177.0.0.1/x",
    "https://127.1/x",
    "https://localhost/x",
    "https://fcm.googleapis.com@10.0.0.1/",
    "https://fcm.googleapis.com:443@10.0.0.1/",
    "https://@fcm.googleapis.com/x",
    "https://user@fcm.googleapis.com/x",
    "https://user:secret@fcm.googleapis.com/x",
    "https://10.0.0.1/x.google.com/",
    "https://10.0.0.1/fcm.googleapis.com/",
    "https://10.0.0.1?fcm.googleapis.com",
    "https://10.0.0.1#fcm.googleapis.com",
    "https://fcm.googleapis.com#@10.0.0.1/",
    "https://fcm.googleapis.com\\@10.0.0.1/",
    "https://10.0.0.1\\.notify.windows.com/",
    "https://10.0.0.1%2f.notify.windows.com/",
    "https://fcm.googleapis.com./x",
    "https://fcm.googleapis.com.evil.example/x",
    "https://evilfcm.googleapis.com/x",
    "https://evil-fcm.googleapis.com/x",
    "https://sub.fcm.googleapis.com/x",
    "https://notify.windows.com/x",
    "https://evilnotify.windows.com/x",
    "https://x.notify.windows.com.evil.example/",
    "https://fcm.googleapis.com\t/x",
    " https://fcm.googleapis.com/x",
    "https://fcm.googleapis.com/x\r\nHost: evil",
    "https://fcm.googleapis.com/\x00",
    "https://fcm。googleapis。com/x",
    "https://ｆcm.googleapis.com/x",
    "https://fcm.googleapis.com/" + "x" * 2048,
]


@pytest.mark.parametrize("url", GOOD)
def test_endpoints_of_known_push_services_are_valid(url: str) -> None:
    endpoint = parse_endpoint(url)
    assert (endpoint.url.scheme, endpoint.port) == ("https", 443)
    assert endpoint.url.raw_path_qs == "/" + url.split("/", 3)[3]


@pytest.mark.parametrize("url", HOSTILE)
def test_any_other_endpoint_is_refused(url: str) -> None:
    with pytest.raises(EndpointRefused):
        parse_endpoint(url)


def test_the_origin_matches_the_push_services_own_name() -> None:
    assert parse_endpoint("https://fcm.googleapis.com:443/fcm/send/abc").origin == "https://fcm.googleapis.com"


@pytest.mark.parametrize(
    "variant",
    [
        "HTTPS://push.example/send/a%2Fb?x=%2f",
        "https://PUSH.Example/send/a%2Fb?x=%2f",
        "https://push.example:443/send/a%2Fb?x=%2f",
        "https://push.example//send///a%2Fb?x=%2f",
        "https://push.example/x/../send/./a%2fb?x=%2f",
        "https://push.example/%73end/a%2Fb?x=%2f",
    ],
)
def test_an_endpoint_has_one_spelling(settings: Settings, variant: str) -> None:
    settings.NOTIFICATIONS_HUB = {"PUSH_EXTRA_HOSTS": ["push.example"]}
    assert str(parse_endpoint(variant).url) == "https://push.example/send/a%2Fb?x=%2f"


def test_an_unusual_port_and_an_address_are_kept(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"PUSH_EXTRA_HOSTS": ["[::1]:8765", "bücher.example"]}
    assert str(parse_endpoint("HTTP://[::1]:8765//x?").url) == "http://[::1]:8765/x"
    assert str(parse_endpoint("https://XN--bcher-KVA.example/x").url) == "https://xn--bcher-kva.example/x"


@pytest.mark.parametrize("url", ["https://push.example./x", "https://push.example../x"])
def test_a_host_with_a_trailing_dot_is_a_different_host(settings: Settings, url: str) -> None:
    settings.NOTIFICATIONS_HUB = {"PUSH_EXTRA_HOSTS": ["push.example"]}
    with pytest.raises(EndpointRefused):
        parse_endpoint(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8765/x", "https://127.0.0.1:8765/x", "http://push.internal/x"])
def test_only_the_sites_owner_can_allow_a_private_host(settings: Settings, url: str) -> None:
    with pytest.raises(EndpointRefused):
        parse_endpoint(url)
    settings.NOTIFICATIONS_HUB = {"PUSH_EXTRA_HOSTS": ["127.0.0.1:8765", "push.internal"]}
    assert parse_endpoint(url).url.path == "/x"


def test_an_extra_host_with_a_port_allows_only_that_port(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"PUSH_EXTRA_HOSTS": ["127.0.0.1:8765"]}
    with pytest.raises(EndpointRefused):
        parse_endpoint("http://127.0.0.1:8766/x")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_recognized(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
        *("::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a00:1", "2001:db8::1"),
        *("64:ff9b:1::808:808", "64:ff9b:1:ffff::1", "::8.8.8.8", "::10.0.0.1", "fec0::1", "feff::1"),
    ],
)
def test_private_addresses_are_recognized_in_wrapped_protocols_too(address: str) -> None:
    assert not is_public(address)


def test_a_name_that_resolves_into_a_private_network_is_refused_at_registration() -> None:
    endpoint = parse_endpoint("https://x.notify.windows.com/w")
    check_addresses(endpoint, is_extra_host, lambda host, port: ["8.8.8.8"])
    with pytest.raises(EndpointRefused):
        check_addresses(endpoint, is_extra_host, lambda host, port: ["8.8.8.8", "10.0.0.1"])


@pytest.mark.parametrize("error", [socket.gaierror, TimeoutError])
def test_an_unreachable_name_server_refuses_no_endpoint(error: type[OSError]) -> None:
    def away(host: str, port: int) -> list[str]:
        raise error

    check_addresses(parse_endpoint("https://x.notify.windows.com/w"), is_extra_host, away)


@pytest.mark.parametrize(
    ("answer", "logged"),
    [
        ("gone: https://web.push.apple.com/QGz-short-token", "gone: https://web.push.apple.com/…"),
        ("/QGz-short-token?id=12345678 is unknown", "/…?id=… is unknown"),
        ("UnauthorizedRegistration", "UnauthorizedRegistration"),
        ("vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9", "vapid …"),
        ("MismatchSenderId", "MismatchSenderId"),
    ],
)
def test_the_words_of_a_push_service_are_logged_without_tokens(answer: str, logged: str) -> None:
    endpoint = parse_endpoint("https://web.push.apple.com/QGz-short-token?id=12345678")
    assert endpoint.hidden_in(answer) == logged
