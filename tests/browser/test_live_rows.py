"""Live replies in two people's browsers while replies are created, changed and deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.support.full import FULL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.browser import People
    from tests.support.site import Site

PER_SECOND, SECONDS = 50, 3 if FULL else 2

# Texts that a browser would interpret if they were not inserted as text.
TEXTS = (
    "<img src=x onerror=alert(1)>",
    "</p></li></template><script>alert(1)</script>",
    "<style>body { display: none }</style>",
    "{{ constructor.constructor('alert(1)')() }} ${alert(1)}",
    '" onmouseover="alert(1)" x="',
    "javascript:alert(1)",
    "&lt;b&gt; stays as it was typed &amp;",
    "\u202egnp.exe \u200b\u2066right to left\u2069",
    "two\nlines and a \U0001f469\u200d\U0001f469\u200d\U0001f467",
)

NAMES = """
    import time, random
    from django.db import connection, transaction
    from accounts.models import User
    from showcase.models import Post, Reply
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    post = Post.objects.create(author=alice, title="Tea or coffee", body="Which?")
    first = Reply.objects.create(post=post, author=bob, body="Tea.")
    print(post.get_absolute_url())
"""
WRITE = f"""
    chance, begun = random.Random(3), time.monotonic()
    for number in range({PER_SECOND * SECONDS}):
        with transaction.atomic():
            what = chance.choice(["new", "new", "new", "change", "change", "delete"])
            some = Reply.objects.filter(post=post).order_by("?")[:1]
            if what == "new":
                Reply.objects.create(post=post, author=bob, body=f"Cup {{number}}")
            elif what == "change":
                Reply.objects.filter(pk__in=[reply.pk for reply in some]).update(body=f"Cup {{number}}, changed")
            else:
                some.get().delete()
            if chance.random() < 0.2:
                Reply.objects.create(post=post, author=bob, body="Never said")
                transaction.set_rollback(True)
        time.sleep(max(0, begun + number / {PER_SECOND} - time.monotonic()))
"""
STORED = """print("\\n".join(f"{reply.pk} {reply.body}" for reply in Reply.objects.filter(post=post)))"""

# Records every created row and every text that a row showed.
RECORD = """
    window.came = []; window.words = new Set();
    document.addEventListener("live-row", ({ change, key, row }) => {
      if (change === "created") window.came.push(Number(key));
      window.words.add(row.querySelector("[data-field=body]").textContent);
    });
"""


@pytest.fixture
def site(quiet_site: Site) -> Iterator[Site]:
    yield quiet_site
    # Other tests look at Alice's posts, and at Bob's name.
    quiet_site.python("post.delete(); User.objects.filter(pk=bob.pk).update(first_name=bob.first_name)")


def rows(page: Page) -> list[str]:
    return page.eval_on_selector_all(  # type: ignore[no-any-return]
        "live-list [data-key]",
        "rows => rows.map(row => `${row.dataset.key} ${row.querySelector('p.lines').textContent}`)",
    )


def expect_rows(page: Page, wanted: list[str]) -> None:
    expect(page.locator("live-list .lines")).to_have_text([row.split(" ", 1)[1] for row in wanted])
    assert rows(page) == wanted


def wait_until_live(page: Page) -> None:
    expect(page.locator("live-list")).to_have_attribute("data-state", "live")


def test_two_pages_follow_fifty_changes_a_second_through_a_reload(page_for: People, site: Site) -> None:
    url = site.python(NAMES)
    alice, bob = page_for("alice", url), page_for("bob", url)
    for page in (alice, bob):
        wait_until_live(page)
    alice.evaluate(RECORD)
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(site.python, WRITE)
        bob.wait_for_timeout(1000)
        bob.reload()
        bob.evaluate(RECORD)
        writing.result()

    stored = site.python(STORED).splitlines()
    for page in (alice, bob):
        expect_rows(page, stored)
        came = page.evaluate("window.came")
        assert came == sorted(set(came))
        assert "Never said" not in page.evaluate("[...window.words]")
    # Rows arrive one by one, not in a few snapshots. The bound is low, because a slow machine shows fewer.
    assert len(alice.evaluate("window.came")) > PER_SECOND / 5
    expect(alice.locator("live-list [data-part=count]")).to_have_text(str(len(stored)))


def test_a_change_or_deletion_in_one_browser_appears_in_the_other(page_for: People, site: Site) -> None:
    url = site.python(NAMES)
    alice, bob = page_for("alice", url), page_for("bob", url)
    for page in (alice, bob):
        wait_until_live(page)
    draft = alice.locator("#reply textarea")
    draft.fill("What I am writing")
    draft.evaluate("area => area.setSelectionRange(2, 6)")
    scroll_before = alice.evaluate("scrollY")

    bob.get_by_text("Edit").click()
    bob.locator(".own textarea").fill("Coffee, after all.")
    bob.get_by_role("button", name="Save").click()
    expect(alice.locator("live-list .lines")).to_have_text(["Coffee, after all."])
    expect(alice.locator("live-list [data-key]")).to_have_attribute("data-changed", "")
    expect(bob.get_by_role("list", name="Messages").get_by_text("Reply saved.")).to_be_visible()
    assert alice.evaluate("[document.activeElement.selectionStart, document.activeElement.selectionEnd]") == [2, 6]
    assert (draft.input_value(), alice.evaluate("scrollY")) == ("What I am writing", scroll_before)

    _no_text_is_markup(alice, site)
    _changes_missing_from_the_log_are_fetched(alice, site)

    # When the focused row is deleted, the focus moves to the next row and not to the top of the page.
    bob.goto(site.url + url)
    wait_until_live(bob)
    alice.locator("live-list [data-key]").first.evaluate("row => { row.tabIndex = 0; row.focus(); }")
    bob.get_by_text("Edit").first.click()
    bob.get_by_role("button", name="Delete").first.click()
    expect(alice.locator("live-list [data-key]:focus .lines")).to_have_text(TEXTS[0])
    site.python("Reply.objects.filter(post=post).delete()")
    expect(alice.get_by_text("No replies yet.")).to_be_visible()


def _no_text_is_markup(page: Page, site: Site) -> None:
    elements = page.locator("live-list [data-key] *").count()
    site.python(f"""
        for text in {TEXTS!r}:
            Reply.objects.create(post=post, author=bob, body=text)
    """)
    expect(page.locator("live-list [data-key]")).to_have_count(1 + len(TEXTS))
    assert [row.split(" ", 1)[1] for row in rows(page)[1:]] == list(TEXTS)
    site.python(f"User.objects.filter(pk=bob.pk).update(first_name={TEXTS[0]!r}); post.replies.publish()")
    expect(page.locator("live-list .byline-name")).to_have_text([TEXTS[0]] * (1 + len(TEXTS)))
    assert page.locator("live-list [data-key] *").count() == elements * (1 + len(TEXTS))


def _changes_missing_from_the_log_are_fetched(page: Page, site: Site) -> None:
    page.locator("live-list [data-key]").first.evaluate("row => { window.row = row; }")
    site.python("""
        with connection.cursor() as sql:
            sql.execute("UPDATE showcase_reply SET body = 'By raw SQL' WHERE id = %s", [first.pk])
            sql.execute("DELETE FROM showcase_reply WHERE id = (SELECT max(id) FROM showcase_reply)")
        from notifications_hub.streams import Stream
        print(Stream.objects.update(epoch="0ddba115"))
    """)
    expect(page.locator("live-list .lines")).to_have_text(["By raw SQL", *TEXTS[:-1]], timeout=30_000)
    assert page.evaluate("window.row.isConnected"), "the existing row stays the same element"
    wait_until_live(page)


# The same rows in other lists, and a browser without scroll anchoring, like Safari.
LISTS = """
    const [list] = document.querySelectorAll("live-list");
    const others = [{ insert: "first", most: "3" }, { sort: "body" }, { sort: "-body", most: "3" }];
    others.forEach((attributes, number) => {
      const other = list.cloneNode(true);
      for (const [name, value] of Object.entries(attributes)) other.setAttribute(name, value);
      for (const row of other.querySelectorAll("ol [data-key]")) {
        row.dataset.sort = row.querySelector("[data-field=body]").textContent;
      }
      other.id = `list${number}`;
      document.body.append(other);
    });
"""
NO_ANCHOR = """
    const supports = CSS.supports.bind(CSS);
    CSS.supports = (name, ...value) => name !== "overflow-anchor" && supports(name, ...value);
    addEventListener("DOMContentLoaded", () => { document.documentElement.style.overflowAnchor = "none"; });
"""


def test_a_list_keeps_its_order_length_and_scroll_position(page_for: People, site: Site) -> None:
    url = site.python(NAMES)
    page = page_for("alice", url)
    wait_until_live(page)
    page.evaluate(LISTS)
    newest, rising, falling = (page.locator(f"#list{number}") for number in range(3))
    for one in (newest, rising, falling):
        expect(one).to_have_attribute("data-state", "live")

    site.python("cups = [Reply.objects.create(post=post, author=bob, body=body) for body in 'bdac']")
    expect(newest.locator(".lines")).to_have_text(["c", "a", "d"])
    expect(rising.locator(".lines")).to_have_text(["Tea.", "a", "b", "c", "d"])
    expect(falling.locator(".lines")).to_have_text(["d", "c", "b"])
    moving = rising.locator("[data-key]").nth(2).locator(".byline-name")
    moving.evaluate("name => { name.tabIndex = 0; name.focus(); }")
    site.python("cups[0].body = 'z'; cups[0].save()")
    expect(rising.locator(".lines")).to_have_text(["Tea.", "a", "c", "d", "z"])
    expect(falling.locator(".lines")).to_have_text(["z", "d", "c"])
    expect(newest.locator(".lines")).to_have_text(["c", "a", "d"])
    assert page.evaluate("document.activeElement.closest('[data-key]').dataset.sort") == "z"

    page.add_init_script(NO_ANCHOR)
    site.python("Reply.objects.bulk_create(Reply(post=post, author=bob, body=f'Old {n}') for n in range(40))")
    page.goto(site.url + url)
    wait_until_live(page)
    _the_reading_position_stays(page, site)


def _the_reading_position_stays(page: Page, site: Site) -> None:
    page.locator("live-list").evaluate("list => list.setAttribute('insert', 'first')")
    read = page.get_by_role("paragraph").get_by_text("Old 20", exact=True)
    read.evaluate("row => row.scrollIntoView({ block: 'center', behavior: 'instant' })")
    box, scrolled = read.bounding_box(), page.evaluate("scrollY")
    site.python("for n in range(3): Reply.objects.create(post=post, author=bob, body=f'New {n}')")
    expect(page.locator("live-list .lines").first).to_have_text("New 2")
    now = read.bounding_box()
    assert box is not None
    assert now is not None
    assert abs(now["y"] - box["y"]) < 2
    assert page.evaluate("scrollY") > scrolled + 50
    # At the top of the page, new rows scroll into view.
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    site.python("Reply.objects.create(post=post, author=bob, body='Newest')")
    expect(page.locator("live-list .lines").first).to_have_text("Newest")
    assert page.evaluate("scrollY") == 0


def test_a_refused_topic_delivers_nothing_and_the_rows_work_without_scripts(
    people_of: Callable[[Site], People], site: Site
) -> None:
    url = site.python(NAMES)
    people = people_of(site)
    plain = people("bob", url, java_script_enabled=False)
    expect(plain.locator("live-list .lines")).to_have_text(["Tea."])
    plain.get_by_text("Edit").click()
    plain.locator(".own textarea").fill("Water.")
    plain.get_by_role("button", name="Save").click()
    expect(plain.locator("live-list .lines")).to_have_text(["Water."])
    site.python(f"for text in {TEXTS!r}: Reply.objects.create(post=post, author=alice, body=text)")
    plain.reload()
    assert [" ".join(text.split()) for text in plain.locator("live-list .lines").all_text_contents()] == [
        " ".join(text.split()) for text in ("Water.", *TEXTS)
    ]
    site.python("post.replies.exclude(pk=first.pk).delete()")

    charlie = site.visitor("charlie")
    for topic in ("post.987654", "staff", "inbox.1"):
        assert charlie.get(f"/live/poll/?wait=0&topic={topic}").status_code == HTTPStatus.FORBIDDEN
    reply = site.python("print(first.change_url())")
    assert charlie.post(reply, data={"body": "Mine now"}).status_code == HTTPStatus.NOT_FOUND

    # Without its script the bell does not connect, so the list needs a connection of its own.
    page = people("charlie", "/healthz")
    page.route("**/notifications_hub/index.js", lambda route: route.abort())
    page.goto(site.url + url)
    page.evaluate("""
        const [list] = document.querySelectorAll("live-list");
        const other = list.cloneNode(true);
        other.setAttribute("topic", "staff");
        document.body.append(other);
    """)
    expect(page.locator("live-list[topic=staff]")).to_have_attribute("data-state", "refused")
    expect(page.locator("live-list").first).to_have_attribute("data-state", "live")
    site.python("Reply.objects.create(post=post, author=bob, body='And milk.')")
    expect(page.locator("live-list").first.locator(".lines")).to_have_text(["Water.", "And milk."])
    expect(page.locator("live-list[topic=staff] .lines")).to_have_text(["Water."])
