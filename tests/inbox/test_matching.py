from __future__ import annotations

import pytest

from notifications_hub.inbox.matching import Words, fold


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("HELLO", "hello there"),
        ("resume", "Résumé"),
        ("Résumé", "your resume"),
        ("resume", "re\u0301sume\u0301"),
        ("there hello", "Hello, there"),
        ("ell", "Hello"),
        ("通知", "您有一条新通知"),
        ("通知 一条", "您有一条新通知"),
        ("strasse", "Straße"),
        ("lodz", "Łódź"),
        ("ABC", "ａｂｃ"),
        ("privet", "PRIVET"),
        ("ПРИВЕТ", "привет"),
    ],
)
def test_case_accents_and_width_make_no_difference(typed: str, text: str) -> None:
    assert Words.parse(typed).match([text])


def test_all_words_are_needed_in_any_of_the_texts() -> None:
    words = Words.parse("bob garden")

    assert words.match(["Bob waved", "Garden"])
    assert not words.match(["Bob waved", "Kitchen"])
    assert not Words.parse("bobgarden").match(["bob", "garden"])


@pytest.mark.parametrize("typed", ["", "   ", "\u0301"])
def test_nothing_typed_looks_for_nothing(typed: str) -> None:
    assert not Words.parse(typed)


@pytest.mark.parametrize(
    ("typed", "text", "html"),
    [
        ("bob", "Bob & <Bob>", "<mark>Bob</mark> &amp; &lt;<mark>Bob</mark>&gt;"),
        ("ab bc", "abc", "<mark>abc</mark>"),
        ("resume", "re\u0301sume\u0301!", "<mark>re\u0301sume\u0301</mark>!"),
        ("ss", "Straße", "Stra<mark>ß</mark>e"),
        ("通知", "新通知", "新<mark>通知</mark>"),
        ("amp", "a & b", "a &amp; b"),
    ],
)
def test_matches_are_marked_in_escaped_text(typed: str, text: str, html: str) -> None:
    assert Words.parse(typed).marked(text) == html


def test_matches_are_marked_between_the_tags_of_html() -> None:
    safe = '<p>See <a href="/see?a=1&amp;b=>">see</a> &amp; go</p>'

    marked = '<p><mark>See</mark> <a href="/see?a=1&amp;b=>"><mark>see</mark></a> &amp; go</p>'
    assert Words.parse("see").marked_in(safe) == marked
    assert Words.parse("amp href").marked_in(safe) == safe


def test_folding_is_the_same_for_ascii_and_other_text() -> None:
    assert fold("Hello W") + "e" == fold("Hello Wé")
