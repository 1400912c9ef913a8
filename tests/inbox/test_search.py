"""Search, tabs and places of the inbox, as the page and the API answer them."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from notifications_hub import broadcast, kinds
from notifications_hub.announcements.models import AnnouncementTranslation
from notifications_hub.inbox import queries, search
from notifications_hub.inbox.tabs import COUNTED, tabs
from notifications_hub.kinds import Kind
from notifications_hub.notification import Notification
from tests.inbox.support import API, ClientFor, post, queries_of, send_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from accounts.models import User

pytestmark = pytest.mark.both_databases
PAGE = "/notifications/"
LIST = f"{API}notifications/"


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    before = dict(kinds._kinds)

    class Work(Kind):
        name = "tests.work"
        label = "Work to do"
        group = "Work & more"

        def title(self, notification: Any) -> str:
            return f"Please do: {notification.target_name or notification.verb}"

    class Broken(Kind):
        name = "tests.broken"
        group = "Work & more"

        def title(self, notification: Any) -> str:
            raise RuntimeError("This kind is broken.")

    yield
    kinds._kinds.clear()
    kinds._kinds.update(before)


@pytest.fixture
def client(alice: User, client_for: ClientFor) -> Client:
    return client_for(alice)


def listed(client: Client, **query: str) -> list[str]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()["results"]]


def cards(client: Client, path: str) -> list[str]:
    return re.findall(r'<li class="nh-card"\s+data-id="(\w+)"', client.get(path).content.decode())


def link(page: str, part: str) -> str:
    """Return the address of the link in a part of the page; empty without it."""
    found = re.search(rf'data-part="{part}">\s*<a [^>]*href="([^"]+)"', page)
    return PAGE + html.unescape(found[1]) if found else ""


# Search


def test_a_search_finds_title_body_actor_and_target_as_the_person_sees_them(
    alice: User, bob: User, client: Client
) -> None:
    titled = send_one(alice, bob, "watered", kind="tests.work").item_id
    described = send_one(alice, bob, description="In the Garden").item_id
    aimed = send_one(alice, bob, kind="comment.reply", target=bob).item_id

    assert listed(client, q="please do") == [titled]
    assert listed(client, q="garden") == [described]
    assert listed(client, q="replied to bob") == [aimed]
    assert set(listed(client, q="bob")) == {titled, described, aimed}
    assert listed(client, q="bob nothing") == []


def test_a_search_is_in_the_readers_language(alice: User, bob: User, client: Client) -> None:
    reply = send_one(alice, bob, kind="comment.reply", target=bob).item_id
    announced = broadcast(title="Maintenance")
    AnnouncementTranslation.objects.create(announcement=announced, language="zh-hans", title="系统维护通知")
    chinese = {"Accept-Language": "zh-hans"}

    answer = client.get(LIST, {"q": "维护"}, headers=chinese).json()
    assert [item["id"] for item in answer["results"]] == [announced.item_id]
    assert client.get(LIST, {"q": "maintenance"}, headers=chinese).json()["results"] == []
    assert [one["id"] for one in client.get(LIST, {"q": "回复"}, headers=chinese).json()["results"]] == [reply]
    page = client.get(PAGE, {"q": "维护"}, headers=chinese).content.decode()
    assert "系统<mark>维护</mark>通知" in page


def test_a_broken_kind_does_not_break_the_search(alice: User, bob: User, client: Client) -> None:
    broken = send_one(alice, bob, "waved", kind="tests.broken").item_id
    whole = send_one(alice, bob, "waved").item_id

    assert listed(client, q="waved") == [whole, broken]


def test_a_search_combines_with_state_tab_and_kind(alice: User, bob: User, client: Client) -> None:
    rows = [send_one(alice, bob, f"waved {n}", kind="tests.work" if n % 2 else "default") for n in range(4)]
    rows[3].mark_as_read()
    Notification.objects.filter(pk=rows[1].pk).archive()
    ids = [row.item_id for row in rows]

    assert listed(client, q="waved", tab="Work & more") == [ids[3]]
    assert listed(client, q="waved", unread="true") == [ids[2], ids[0]]
    assert listed(client, q="waved", kind="default", tab="Work & more") == []
    assert cards(client, f"{PAGE}?show=archived&q=waved") == [ids[1]]
    assert cards(client, f"{PAGE}?show=unread&q=2") == [ids[2]]


def test_charlie_finds_none_of_alices(alice: User, bob: User, charlie: User, client_for: ClientFor) -> None:
    row = send_one(alice, bob, "waved")
    stranger = client_for(charlie)

    assert listed(stranger, q="waved") == []
    assert stranger.get(LIST, {"at": row.item_id}).status_code == 404
    assert "waved" not in stranger.get(PAGE, {"at": row.item_id}).content.decode()


def test_a_search_stops_at_its_budget_and_goes_on_from_there(
    alice: User, bob: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CHUNK", 4)
    monkeypatch.setattr(search, "SECONDS", -1)
    wanted = [send_one(alice, bob, "wanted").item_id]
    for _number in range(9):
        send_one(alice, bob, "other")
    found: list[str] = []
    answer = client.get(LIST, {"q": "wanted"}).json()
    assert (answer["results"], "reached" in answer) == ([], True)
    page = client.get(PAGE, {"q": "wanted"}).content.decode()
    assert "Searched back to" in page
    assert "Search older" in page
    while answer["next"]:
        answer = client.get(LIST, {"q": "wanted", "before": answer["next"]}).json()
        found += [item["id"] for item in answer["results"]]

    assert found == wanted
    assert "reached" not in answer
    pages = 0
    while onward := link(page, "older"):
        page, pages = client.get(onward).content.decode(), pages + 1
    assert "<mark>wanted</mark>" in page
    assert pages == 2


def test_a_full_page_of_a_search_is_followed_without_a_gap(alice: User, bob: User, client: Client) -> None:
    expected = [send_one(alice, bob, "odd" if n % 2 else "even").item_id for n in range(90)][1::2][::-1]
    found: list[str] = []
    query = {"q": "odd"}
    while True:
        answer = client.get(LIST, query).json()
        found += [item["id"] for item in answer["results"]]
        if answer["next"] is None:
            break
        query["before"] = answer["next"]

    assert found == expected


@pytest.mark.parametrize("words", ["<b>", "%_", "\\", "\x00", "a" * 200, "' OR 1=1"])
def test_any_text_can_be_searched_for(client: Client, words: str) -> None:
    answer = client.get(PAGE, {"q": words, "kind": words})

    assert answer.status_code == 200
    assert "<b>" not in answer.content.decode()
    assert listed(client, q=words) == []


# Tabs


def tabs_of(client: Client) -> dict[str, tuple[int, bool]]:
    answer = client.get(f"{LIST}tabs/").json()
    return {tab["name"]: (tab["unread"], tab["capped"]) for tab in answer["results"]}


def test_tabs_count_what_is_unread_in_one_statement(alice: User, bob: User, client: Client) -> None:
    for number in range(3):
        send_one(alice, bob, kind="tests.work")
        send_one(alice, bob, kind="comment.reply")
        send_one(alice, bob, f"other {number}")
    Notification.objects.filter(kind="comment.reply").first().mark_as_read()  # type: ignore[union-attr]

    assert tabs_of(client) == {"Conversations": (2, False), "Chat rooms": (0, False), "Work & more": (3, False)}
    # The session, the person, the summary, and all tabs.
    assert queries_of(lambda: client.get(f"{LIST}tabs/")) == 4


def test_a_count_stops_at_its_cap(alice: User, bob: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _number in range(3):
        send_one(alice, bob, kind="tests.work")
    monkeypatch.setattr("notifications_hub.inbox.tabs.COUNTED", 2)

    assert COUNTED > 2
    assert tabs_of(client)["Work & more"] == (2, True)
    assert ">2+</span>" in client.get(PAGE).content.decode()


def test_a_tab_lists_its_kinds_and_the_page_links_them(alice: User, bob: User, client: Client) -> None:
    work = send_one(alice, bob, kind="tests.work").item_id
    other = send_one(alice, bob).item_id
    page = client.get(PAGE).content.decode()

    [href] = re.findall(r'href="([^"]+)"\s+data-tab="Work &amp; more"', page)
    assert cards(client, PAGE + html.unescape(href)) == [work]
    assert listed(client, tab="Work & more") == [work]
    assert cards(client, PAGE) == [other, work]
    assert cards(client, f"{PAGE}?tab=Gone") == [other, work]
    assert client.get(LIST, {"tab": "Gone"}).status_code == 400


def test_a_site_without_groups_has_no_tabs(alice: User, bob: User, client: Client) -> None:
    for kind in kinds._kinds.values():
        if kind.group:
            kinds._kinds[kind.name] = type("Plain", (type(kind),), {"group": "", "name": ""})()
    send_one(alice, bob)

    assert tabs() == []
    assert "kind-tabs" not in client.get(PAGE).content.decode()


def test_a_kind_that_no_app_declares_any_more_is_listed_under_all(alice: User, bob: User, client: Client) -> None:
    row = send_one(alice, bob)
    Notification.objects.filter(pk=row.pk).update(kind="gone.kind")

    assert cards(client, PAGE) == [row.item_id]
    page = client.get(PAGE, {"kind": "gone.kind"}).content.decode()
    assert row.item_id in cards(client, f"{PAGE}?kind=gone.kind")
    assert re.search(r'<option value="gone.kind"\s+selected>gone.kind', page)


@pytest.mark.parametrize("by", ["page", "api"])
def test_marking_all_of_a_tab_leaves_the_rest_and_can_be_undone(
    alice: User, bob: User, client: Client, by: str
) -> None:
    work, other = send_one(alice, bob, kind="tests.work"), send_one(alice, bob)
    if by == "page":
        assert "Mark all of “Work &amp; more” as read" in client.get(PAGE, {"tab": "Work & more"}).content.decode()
        marked = {"action": "read", "all": "1", "tab": "Work & more", "next": f"{PAGE}?tab=Work+%26+more"}
        answer = client.post(f"{PAGE}mark/", marked)
        token = re.search(r"undo=([^&]+)", answer.headers["Location"])[1]  # type: ignore[index]
    else:
        token = post(client, "notifications/read/", {"all": True, "tab": "Work & more", "undo": True}).json()["undo"]
    for row, unread in ((work, False), (other, True)):
        row.refresh_from_db()
        assert row.unread is unread
    assert post(client, "notifications/undo/", {"undo": html.unescape(token).replace("%3A", ":")}).json() == {
        "changed": 1
    }


def test_marking_all_of_an_unknown_tab_marks_nothing(alice: User, bob: User, client: Client) -> None:
    row = send_one(alice, bob)

    assert client.post(f"{PAGE}mark/", {"action": "read", "all": "1", "tab": "Gone"}).status_code == 400
    assert post(client, "notifications/read/", {"all": True, "tab": "Gone"}).status_code == 400
    assert post(client, "notifications/read/", {"ids": [row.item_id], "tab": "Work & more"}).status_code == 400
    row.refresh_from_db()
    assert row.unread


def test_a_search_offers_no_mark_of_all(alice: User, bob: User, client: Client) -> None:
    send_one(alice, bob, "waved")

    form = re.compile(r'<form [^>]*data-part="read-all"')
    assert form.search(client.get(PAGE).content.decode())
    assert not form.search(client.get(PAGE, {"q": "waved"}).content.decode())


# Places


def test_a_page_begins_at_an_item_and_leads_up_and_down(alice: User, bob: User, client: Client) -> None:
    ids = [send_one(alice, bob).item_id for _ in range(65)][::-1]
    page = client.get(PAGE, {"at": ids[30]}).content.decode()

    assert cards(client, f"{PAGE}?at={ids[30]}") == ids[30:50]
    assert cards(client, link(page, "older")) == ids[50:65]
    newer = client.get(link(page, "newer")).content.decode()
    assert cards(client, link(page, "newer")) == ids[10:30]
    assert cards(client, link(newer, "older")) == ids[30:50]
    top = client.get(link(newer, "newer")).content.decode()
    assert cards(client, link(newer, "newer")) == ids[:10]
    assert link(top, "newer") == ""
    answer = client.get(LIST, {"at": ids[30]}).json()
    assert [item["id"] for item in answer["results"]] == ids[30:50]
    assert listed(client, after=answer["previous"]) == ids[10:30]
    assert "previous" not in client.get(LIST).json()


def test_each_card_links_to_its_place(alice: User, bob: User, client: Client) -> None:
    row, archived = send_one(alice, bob), send_one(alice, bob)
    Notification.objects.filter(pk=archived.pk).archive()
    broadcast(title="To everyone")

    page = client.get(PAGE).content.decode()
    for item_id in cards(client, PAGE):
        assert f'href="{PAGE}?at={item_id}"' in page
        assert cards(client, f"{PAGE}?at={item_id}")[0] == item_id
    assert (
        f'href="{PAGE}?show=archived&amp;at={archived.item_id}"' in client.get(f"{PAGE}?show=archived").content.decode()
    )
    assert cards(client, f"{PAGE}?show=archived&at={archived.item_id}") == [archived.item_id]
    assert row.item_id in cards(client, PAGE)


def test_a_link_to_an_item_that_left_the_list_says_so(alice: User, bob: User, client: Client) -> None:
    left, stays = send_one(alice, bob), send_one(alice, bob)
    Notification.objects.filter(pk=left.pk).archive()

    page = client.get(PAGE, {"at": left.item_id}).content.decode()
    assert "That notification is not in this list." in page
    assert f"/notifications/{left.item_id}/why/" in page
    Notification.objects.filter(pk=left.pk).mark_all_as_deleted()
    page = client.get(PAGE, {"at": left.item_id}).content.decode()
    assert "We couldn't find that notification." in html.unescape(page)
    assert cards(client, f"{PAGE}?at={left.item_id}") == [stays.item_id]
    assert client.get(LIST, {"at": left.item_id}).status_code == 404
    assert client.get(LIST, {"at": stays.item_id, "before": "1.1"}).status_code == 400


def test_a_filter_by_a_rare_kind_goes_on_upwards_too(
    alice: User, bob: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SCANNED", 4)
    monkeypatch.setattr(search, "SECONDS", -1)
    oldest = send_one(alice, bob).item_id
    for _number in range(10):
        send_one(alice, bob)
    rare = send_one(alice, bob, kind="tests.work").item_id
    answer = client.get(LIST, {"at": oldest}).json()
    found: list[list[str]] = []
    while answer["previous"]:
        answer = client.get(LIST, {"after": answer["previous"], "kind": "tests.work"}).json()
        found.append([item["id"] for item in answer["results"]])

    assert found == [[], [], [rare]]
    assert answer["next"] is not None


# Nothing to show


@pytest.mark.parametrize(
    ("query", "words", "href"),
    [
        ({}, "All quiet", "/notifications/preferences/"),
        ({"tab": "Work & more"}, "Nothing in “Work & more”", "?show=all"),
        ({"kind": "tests.work", "show": "unread"}, "Nothing in “Work to do”", "?show=all&kind=tests.work"),
        ({"q": "walrus", "tab": "Work & more"}, "Nothing found for “walrus”", "?show=all&q=walrus"),
        ({"before": "1.1"}, "Nothing more here", "?show=all"),
    ],
)
def test_an_empty_list_says_why_and_where_to_go(client: Client, query: dict[str, str], words: str, href: str) -> None:
    page = html.unescape(client.get(PAGE, query).content.decode())
    blank = page[page.index('data-part="blank"') :]

    assert words in blank
    assert f'href="{href}"' in blank
