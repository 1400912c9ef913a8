"""Links that stay on this site."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications_hub.web.site_paths import MAX_PATH, same_site_path

OFF_SITE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    " //evil.example",
    "\x00//evil.example",
    "%09//evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "mailto:eve@evil.example",
    "posts/9/",
    "?page=2",
    "#top",
    "/posts /9/",
    "/posts/9/\x7f",
    "//[",
]


@pytest.mark.parametrize("url", OFF_SITE)
def test_a_link_that_may_leave_the_site_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="path of this site"):
        same_site_path(url)


@pytest.mark.parametrize(
    "url", ["", "/", "/posts/9/", "/posts/9/?page=2&q=%2F%2Fevil#reply-3", "/%09//evil.example", "/@bob/", "/帖子/9/"]
)
def test_a_path_of_this_site_is_returned(url: str) -> None:
    assert same_site_path(url) == url


def test_a_path_too_long_to_store_is_refused() -> None:
    assert same_site_path("/" + "x" * (MAX_PATH - 1))
    with pytest.raises(ValueError, match="2000"):
        same_site_path("/" + "x" * MAX_PATH)


@given(st.one_of(st.text(), st.text(alphabet="/\\:.@\t\n htps"), st.sampled_from(OFF_SITE).map("/{}".format)))
def test_every_accepted_path_joins_to_this_site(url: str) -> None:
    try:
        path = same_site_path(url)
    except ValueError:
        return
    assert urlsplit(urljoin("https://hub.example/posts/", path)).netloc == "hub.example"
