"""The guides of kinds and of pages list everything that a host can set, pass or listen to, and nothing else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from notifications_hub import broadcast
from notifications_hub.kinds import Digest, Kind, Privacy, Urgency
from notifications_hub.templatetags import notifications_hub as tags
from tests.support.processes import ROOT
from tests.test_reference import PRIVATE_EVENTS, SCRIPTS, SOURCES, page, section

KINDS = (ROOT / "docs" / "guides" / "kinds.md").read_text()
PAGES = (ROOT / "docs" / "guides" / "pages.md").read_text()
NOT_FOR_HOSTS = {"declares_methods"}
"""Attributes of `Kind` that the hub asks about, and that no host sets."""
REQUIRED = "required"


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of a section's one table, without its head."""
    _head, *found = [line for line in section(text, heading).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found]


def names(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z-]+)`", cell))


def of_reference(element: str, head: str) -> set[str]:
    """Return the first cells of one of an element's tables in the reference, all names of a cell."""
    text = section(page("elements"), element)
    found = re.search(rf"^\| {head} \|.*\n\|[-| ]+\|\n((?:\| .+\n)+)", text, re.MULTILINE)
    cells = re.findall(r"^\| (.+?) \|", found[1], re.MULTILINE) if found else []
    return {name for cell in cells for name in names(cell)}


# Kinds


def test_every_attribute_of_a_kind_has_a_row_with_its_default() -> None:
    listed = {name.strip("`"): default.strip("`") for name, default, _meaning in rows(KINDS, "Its attributes")}
    attributes = {name: getattr(Kind, name) for name in inspect.get_annotations(Kind)}
    assert set(listed) == attributes.keys()
    for name in attributes.keys() - {"methods"}:
        assert eval(listed[name], {"Digest": Digest, "Urgency": Urgency, "Privacy": Privacy}) == attributes[name], name


def signature_of(method: str) -> list[str]:
    """Return the names of the arguments that a kind's method takes besides itself."""
    return list(inspect.signature(getattr(Kind, method)).parameters)[1:]


def test_every_method_of_a_kind_has_a_row_and_an_example() -> None:
    public = {name for name in vars(Kind) if not name.startswith("_")} - NOT_FOR_HOSTS
    methods = public - set(inspect.get_annotations(Kind))
    listed = {f"{name}({next(iter(signature_of(name)))})" for name in methods}
    assert {row[0].strip("`") for row in rows(KINDS, "Its words")} == listed
    example = section(KINDS, "A kind with everything")
    assert [name for name in public if not re.search(rf"^    (?:def )?{name}(?: = |\()", example, re.MULTILINE)] == []


def test_every_argument_of_an_announcement_has_a_row() -> None:
    listed = {
        name for row in rows(KINDS, "Tell everyone: `broadcast\\(\\)`") for name in re.findall(r"`(\w+)`", row[0])
    }
    assert listed == set(inspect.signature(broadcast).parameters)


# Pages


def arguments_of_tags() -> Iterator[tuple[str, str, str]]:
    for tag in tags.register.tags:
        _context, *arguments = inspect.signature(getattr(tags, tag)).parameters.values()
        for one in arguments:
            yield tag, one.name, REQUIRED if one.default is one.empty else str(one.default)


def test_every_argument_of_a_tag_has_a_row_with_its_default() -> None:
    listed = [tuple(cell.strip("`").strip('"') for cell in row[:3]) for row in rows(PAGES, "Template tags")]
    assert sorted(listed) == sorted(arguments_of_tags())


def test_the_elements_have_the_attributes_and_events_of_the_reference() -> None:
    listed = {row[0].strip("`"): (names(row[2]), names(row[3])) for row in rows(PAGES, "Elements")}
    defined = set(re.findall(r"^## ([a-z]+-[a-z]+)$", page("elements"), re.MULTILINE))
    assert listed == {one: (of_reference(one, "attribute"), of_reference(one, "event")) for one in defined}


def test_every_event_that_is_dispatched_has_a_row() -> None:
    scripts = [path.read_text() for path in SOURCES if path.suffix == ".js"]
    dispatched = {name for source in scripts for name in re.findall(r'super\("([a-z-]+)"', source)}
    listed = {name for row in rows(PAGES, "Events") for name in names(row[0])}
    assert listed == {name for name in dispatched if not PRIVATE_EVENTS.match(name)}


def test_every_attribute_that_an_element_uses_is_in_its_row() -> None:
    listed = {row[0].strip("`"): names(row[2]) for row in rows(PAGES, "Elements")}
    for script in SCRIPTS:
        used = set(re.findall(r'(?:#text|this\.(?:get|set|has|remove)Attribute)\("([\w-]+)"', script.read_text()))
        assert used <= listed[script.stem.removesuffix("-element")], script.stem
