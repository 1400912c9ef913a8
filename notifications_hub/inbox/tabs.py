"""The tabs of the inbox: one for each group of kinds that the host declares, with the number of unread ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils import translation

from notifications_hub.announcements import personal_rows
from notifications_hub.database.primary import connection
from notifications_hub.inbox.list_query import index_order
from notifications_hub.inbox.queries import announced_rows, own_lists
from notifications_hub.inbox_summary import CAP, Summary
from notifications_hub.kinds import Kind, kinds_in_order
from notifications_hub.notification import InboxQuerySet
from notifications_hub.users import Person

COUNTED = 500
"""The newest unread notifications that the numbers of all tabs are counted among."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A group of kinds. `name` is its heading in the language of the code. `unread` is at most `CAP`.

    With `capped`, there may be more unread ones.
    """

    name: str
    label: str
    kinds: frozenset[str]
    unread: int = 0
    capped: bool = False

    @property
    def badge(self) -> str:
        """Return the number as pages show it; empty without any."""
        if not self.unread:
            return ""
        return f"{CAP - 1}+" if self.unread >= CAP else f"{self.unread}+" if self.capped else str(self.unread)


@dataclass(frozen=True, slots=True)
class KindChoices:
    """Kinds that a person may filter by, with the label of their group, which may be empty."""

    label: str
    kinds: Sequence[Kind]


def tabs() -> list[Tab]:
    """Return the groups in the order of their first kinds, without numbers. A site may have none."""
    return [Tab(name, str(kinds[0].group), _names(kinds)) for name, kinds in _groups(kinds_in_order()).items() if name]


def find_tab(name: str) -> Tab | None:
    return next((one for one in tabs() if one.name == name), None)


def counted_tabs(person: Person, summary: Summary, scope: str | None) -> list[Tab]:
    """Return the tabs with their numbers, by one statement; by none if nothing is unread or there are no tabs."""
    found = tabs()
    if not found or not summary.unread:
        return found
    order = index_order(unread=True, archived=False, scoped=scope is not None)
    lists = [_unread(rows).order_by(*order)[:COUNTED] for rows in own_lists(person, scope)]
    if summary.running:
        announced = announced_rows(person, personal_rows.running_for(person))
        # This order is that of no index of the whole inbox, which the planner would walk through for a few rows.
        lists.append(_unread(announced).order_by("announcement_id")[:CAP])
    by_kind = _count(lists)
    is_capped = sum(by_kind.values()) >= COUNTED
    return [_with_number(tab, by_kind, is_capped=is_capped) for tab in found]


def kinds_to_choose(tab: Tab | None) -> list[KindChoices]:
    """Return the kinds of a tab, or all. Only those that preferences list, because people know their names."""
    groups = _groups(one for one in kinds_in_order() if one.in_preferences)
    wanted = groups.items() if tab is None else [(tab.name, groups.get(tab.name, []))]
    # Those without a group are last, as in preferences.
    return [KindChoices(str(kinds[0].group), kinds) for _, kinds in sorted(wanted, key=lambda one: not one[0]) if kinds]


def kinds_listed(tab: Tab | None, kind: str) -> frozenset[str] | None:
    """Return the kinds that a tab and a filter leave; None for all. A kind of another tab leaves nothing."""
    chosen = frozenset({kind}) if kind else None
    if tab is None or chosen is None:
        return chosen if tab is None else tab.kinds
    return tab.kinds & chosen


def _groups(kinds: Iterable[Kind]) -> dict[str, list[Kind]]:
    found: dict[str, list[Kind]] = {}
    with translation.override(None):
        for kind in kinds:
            found.setdefault(str(kind.group), []).append(kind)
    return found


def _names(kinds: Iterable[Kind]) -> frozenset[str]:
    return frozenset(kind.name for kind in kinds)


def _unread(rows: InboxQuerySet) -> InboxQuerySet:
    return rows.filter(unread=True, archived_at=None)


def _count(lists: Collection[InboxQuerySet]) -> Mapping[str, int]:
    parts = [rows.values("kind").query.get_compiler(rows.db).as_sql() for rows in lists]
    union = " UNION ALL ".join(f"SELECT kind FROM ({statement}) AS part{n}" for n, (statement, _) in enumerate(parts))  # noqa: S608 -- composed by Django
    parameters = [parameter for _, its_parameters in parts for parameter in its_parameters]
    with connection.cursor() as sql:
        sql.execute(f"SELECT kind, count(*) FROM ({union}) AS newest GROUP BY kind", parameters)  # noqa: S608 -- as above
        return Counter(dict(sql.fetchall()))


def _with_number(tab: Tab, by_kind: Mapping[str, int], *, is_capped: bool) -> Tab:
    unread = min(CAP, sum(by_kind[kind] for kind in tab.kinds if kind in by_kind))
    return replace(tab, unread=unread, capped=is_capped or unread >= CAP)
