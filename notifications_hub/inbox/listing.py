"""The part of the inbox that a page lists, as its address says: state, tab, kind and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from notifications_hub.grouping.keys import MAX_KEY
from notifications_hub.inbox.matching import Words
from notifications_hub.inbox.tabs import KindChoices, Tab, find_tab, kinds_listed, kinds_to_choose
from notifications_hub.kinds import kind_of
from notifications_hub.web.text import storable

_LONGEST_KIND, _LONGEST_SEARCH = 100, 200


@dataclass(frozen=True, slots=True)
class TabLink:
    """A tab as the page shows it. `name` is empty for the first one, which lists all kinds."""

    name: str
    label: str
    href: str
    badge: str
    is_current: bool
    kinds: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The list of a page: a state, a tab, the name of a kind, and what was typed to search. Most may be empty.

    With a `group`, it lists the unread ones with this key.
    """

    show: str = "all"
    tab: Tab | None = None
    kind: str = ""
    q: str = ""
    group: str = ""

    @classmethod
    def of(cls, given: QueryDict, show: str = "all") -> Listing:
        """Return what an address or a form asks for. A tab that the site does not have is left out."""
        if group := storable(given.get("group", ""), MAX_KEY):
            return cls("group", group=group)
        kind = given.get("kind", "")
        is_kind = "\0" not in kind and len(kind) <= _LONGEST_KIND
        q = given.get("q", "").strip()[:_LONGEST_SEARCH]
        return cls(show, find_tab(given.get("tab", "")), kind if is_kind else "", q)

    @property
    def kinds(self) -> frozenset[str] | None:
        return kinds_listed(self.tab, self.kind)

    @property
    def words(self) -> Words:
        return Words.parse(self.q)

    @property
    def is_filtered(self) -> bool:
        return bool(self.tab or self.kind or self.q or self.group)

    @property
    def rest(self) -> str:
        """Return the query without `show`, to follow it in an address."""
        return self.path().removeprefix(f"?show={self.show}")

    def path(self, **place: str) -> str:
        """Return the relative address of the list, or of a place in it."""
        if self.group:
            return f"?{urlencode({'group': self.group} | place)}"
        own = {"show": self.show, "tab": self.tab.name if self.tab else "", "kind": self.kind, "q": self.q}
        return f"?{urlencode({name: value for name, value in (own | place).items() if value})}"

    @property
    def is_grouped(self) -> bool:
        """Return whether the newest of a group stands for it. A search, and what was put aside, list each singly."""
        return self.show in ("all", "unread") and not self.words

    @property
    def whole(self) -> str:
        """Return the address without filters."""
        return Listing(self.show).path()

    @property
    def without_words(self) -> str:
        return replace(self, q="").path()

    @property
    def everywhere(self) -> str:
        """Return the address of the same search in the whole inbox, or an empty text if this is it."""
        wide = Listing("all", q=self.q)
        return "" if wide == self else wide.path()

    @property
    def kind_label(self) -> str:
        return _label_of(self.kind) if self.kind else ""

    @property
    def what(self) -> str:
        """Return the name of the kinds that are listed; empty for all."""
        return self.kind_label or (self.tab.label if self.tab else "")

    @property
    def choices(self) -> Sequence[KindChoices]:
        return kinds_to_choose(self.tab)

    @property
    def is_kind_missing(self) -> bool:
        """Return whether the chosen kind is not among the choices."""
        return bool(self.kind) and not any(one.name == self.kind for group in self.choices for one in group.kinds)

    def tab_links(self, tabs: Sequence[Tab]) -> list[TabLink]:
        """Return the links of the tabs, which keep the state and the search; nothing on a site without tabs."""
        if not tabs:
            return []
        everything = TabLink("", _("All types"), replace(self, tab=None, kind="").path(), "", self.tab is None)
        return [everything, *(self._link(tab) for tab in tabs)]

    def _link(self, tab: Tab) -> TabLink:
        is_current = self.tab is not None and self.tab.name == tab.name
        href = replace(self, tab=tab, kind="").path()
        return TabLink(tab.name, tab.label, href, tab.badge, is_current, " ".join(sorted(tab.kinds)))


def _label_of(name: str) -> str:
    """Return the label of a kind, or the name of one that no app declares any more."""
    kind = kind_of(name)
    return str(kind.label or name) if kind.name == name else name
