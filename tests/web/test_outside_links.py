"""Links of announcements: paths of this site, and addresses of other sites, in the spelling that browsers use."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications_hub.web.outside_links import BadLink, Link, read_link
from notifications_hub.web.site_paths import MAX_PATH

SITE = "https://hub.example"


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("", Link("")),
        ("/posts/9/", Link("/posts/9/")),
        ("https://other.example", Link("https://other.example", "other.example")),
        ("HTTPS://Other.Example/A?b=c#d", Link("https://other.example/A?b=c#d", "other.example")),
        ("https://other.example:443/", Link("https://other.example/", "other.example")),
        ("https://other.example:8443/a", Link("https://other.example:8443/a", "other.example:8443")),
        ("https://例え.jp/路", Link("https://xn--r8jz45g.jp/%E8%B7%AF", "xn--r8jz45g.jp")),
        ("https://[2001:db8::1]/", Link("https://[2001:db8::1]/", "[2001:db8::1]")),
        ("https://hub.example/posts/9/", Link("/posts/9/")),
        ("https://HUB.example", Link("/")),
        ("https://hub.example.evil.example/", Link("https://hub.example.evil.example/", "hub.example.evil.example")),
        ("https://hub.example:8443/", Link("https://hub.example:8443/", "hub.example:8443")),
    ],
)
def test_a_link_is_read(text: str, link: Link) -> None:
    assert read_link(text, SITE) == link


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("javascript:alert(1)", "begins with / or https://"),
        ("JaVaScRiPt:alert(1)", "begins with / or https://"),
        ("data:text/html,<script>alert(1)</script>", "begins with / or https://"),
        ("vbscript:x", "begins with / or https://"),
        ("mailto:eve@evil.example", "begins with / or https://"),
        ("blob:https://evil.example/1", "begins with / or https://"),
        ("http://other.example/", "begin with https://"),
        ("https://eve:secret@other.example/", "name and password"),
        ("https://hub.example@evil.example/", "name and password"),
        ("https://@evil.example/", "name and password"),
        ("java\nscript:alert(1)", "invisible"),
        ("\tjavascript:alert(1)", "invisible"),
        ("\x01javascript:alert(1)", "invisible"),
        ("https://other.example/\x00", "invisible"),
        ("https://other.example/a b", "space"),
        ("https://other.example/\u202egpj.exe", "invisible"),
        ("https://other\u200b.example/", "invisible"),
        ("/\t/evil.example/", "invisible"),
        ("/\\evil.example", "backslash"),
        ("\\\\evil.example", "backslash"),
        ("https:\\\\evil.example", "backslash"),
        ("https://other.example\\@evil.example/", "backslash"),
        ("//evil.example/", "https:// before"),
        ("///evil.example/", "https:// before"),
        ("https://hub.example//evil.example/", "https:// before"),
        ("posts/9/", "a path of this site"),
        ("other.example", "a path of this site"),
        ("?page=2", "a path of this site"),
        ("https:evil.example", "complete"),
        ("https:/evil.example", "complete"),
        ("https:///evil.example", "complete"),
        ("https://", "complete"),
        ("https://?x", "complete"),
        ("https://[", "complete"),
        ("https://other.example:99999/", "complete"),
        ("https://other.example:x/", "complete"),
        ("https://%65vil.example/", "complete"),
        ("https://a..b/", "complete"),
        ("https://-/", "complete"),
        ("https://other.example/" + "x" * MAX_PATH, "too long"),
        ("https://other.example/" + "路" * 1000, "complete"),
    ],
)
def test_any_other_link_is_refused_with_its_remedy(text: str, words: str) -> None:
    with pytest.raises(BadLink) as refused:
        read_link(text, SITE)
    assert words in str(refused.value.words)


@given(st.text(alphabet="hts:/\\@.evilxamp?#%[]0 \t", max_size=40))
def test_what_is_accepted_stays_here_or_names_its_host(text: str) -> None:
    try:
        link = read_link(text, SITE)
    except BadLink:
        return
    there = urlsplit(urljoin(f"{SITE}/page/", link.url))
    assert there.scheme == "https"
    assert there.netloc == (link.host or "hub.example")
    assert read_link(link.url, SITE) == link
