"""`docs/reference/` lists everything that a host can use, and nothing that does not exist."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management.base import BaseCommand
from django.db.models.functions import Now
from django.urls import URLPattern, URLResolver
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

import notifications_hub
import notifications_hub.urls
import service_worker.urls
from notifications_hub import testing
from notifications_hub.delivery.models import WorkerHeartbeat
from notifications_hub.inbox.api import api
from notifications_hub.jobs.models import Job
from notifications_hub.message import Item, Message
from notifications_hub.ops import metrics
from notifications_hub.telemetry import measures
from notifications_hub.templatetags.notifications_hub import register
from notifications_hub.web.icons import own_icons
from tests.support.processes import ROOT

REFERENCE = ROOT / "docs" / "reference"
STATIC = ROOT / "notifications_hub" / "static" / "notifications_hub"
COMMANDS = sorted(path.stem for path in (ROOT / "notifications_hub/management/commands").glob("hub_*.py"))
SOURCES = sorted(path for path in STATIC.rglob("*.*") if "dist" not in path.parts)
SCRIPTS = sorted([*STATIC.glob("elements/*-element.js"), *STATIC.glob("admin/*-element.js")])
PRIVATE_EVENTS = re.compile(r"connection-|line-|hub-(?:frame|shown|unshown)$")
"""Events between scripts, which no element passes on."""


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text()


def section(text: str, heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.+?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {heading!r}"
    return found[1]


def first_cells(text: str) -> set[str]:
    """Return every name in code in the first cells of a text's tables."""
    cells = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


# Python


def test_every_public_name_is_on_the_page_and_every_name_on_the_page_is_public() -> None:
    listed = re.findall(r"^::: notifications_hub\.(\w+)$", page("python"), re.MULTILINE)
    assert sorted(listed) == sorted(notifications_hub.__all__)


def test_every_name_of_the_suite_for_hosts_is_on_its_page() -> None:
    listed = re.findall(r"^::: notifications_hub\.testing\.(\w+)$", page("testing"), re.MULTILINE)
    assert sorted(listed) == sorted(testing.__all__)
    assert {fault.name for fault in testing.Fault} <= first_cells(page("testing"))


# Elements


def test_every_element_has_a_section() -> None:
    scripts = [path.read_text() for path in SOURCES if path.name.endswith("-define.js")]
    defined = {name for script in scripts for name in re.findall(r'customElements\.define\("([a-z-]+)"', script)}
    assert defined == set(re.findall(r"^## ([a-z]+-[a-z]+)$", page("elements"), re.MULTILINE))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_attribute_that_an_element_reads_or_writes_is_in_its_section(script: Path) -> None:
    source = script.read_text()
    used = set(re.findall(r'(?:#text|this\.(?:get|set|has|remove)Attribute)\("([\w-]+)"', source))
    assert used <= first_cells(section(page("elements"), script.stem.removesuffix("-element")))


def test_every_event_of_an_element_is_on_the_page() -> None:
    scripts = [path for path in SOURCES if path.suffix == ".js"]
    events = {name for path in scripts for name in re.findall(r'super\("([a-z-]+)"', path.read_text())}
    listed = set(re.findall(r"^\| `([a-z-]+)` \| (?:yes|no) \|", page("elements"), re.MULTILINE))
    assert listed == {name for name in events if not PRIVATE_EVENTS.match(name)}


def test_the_page_of_events_says_of_each_how_it_travels_and_what_it_holds() -> None:
    assert _events_on_the_page() == {
        name: about for path in SOURCES if path.suffix == ".js" for name, about in _events_in(path.read_text())
    }


def _events_on_the_page() -> dict[str, tuple[str, str, set[str]]]:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| [^|]+ \| (yes|no) \| (yes|no) \| [^|]+ \| (.+) \|$", page("events"), re.MULTILINE
    )
    return {name: (bubbles, cancelable, set(re.findall(r"`(\w+)`", held))) for name, bubbles, cancelable, held in rows}


def _events_in(source: str) -> Iterator[tuple[str, tuple[str, str, set[str]]]]:
    """Yield each public event of a script: its name, whether it bubbles and can be cancelled, and its properties."""
    for body in re.findall(r"^export class \w+ extends Event \{(.+?)^\}", source, re.MULTILINE | re.DOTALL):
        [(name, options)] = re.findall(r'super\("([a-z-]+)"(.*?)\);', body)
        held = {
            *re.findall(r"^    this\.(\w+) = ", body, re.MULTILINE),
            *re.findall(r"^  (\w+) = ", body, re.MULTILINE),
        }
        if not PRIVATE_EVENTS.match(name):
            yield name, ("yes" if "bubbles" in options else "no", "yes" if "cancelable" in options else "no", held)


def properties_of_page() -> dict[str, tuple[str, str]]:
    """Return the documented custom properties, each with its light and its dark value."""
    rows = re.findall(r"^\| `(--nh-[a-z-]+)` \| .+? \| (.+?) \| (.+?) \|$", page("styles"), re.MULTILINE)
    return {name: (light.strip("`"), dark.strip("`")) for name, light, dark in rows}


def test_every_custom_property_is_on_the_page_with_its_values() -> None:
    tokens = (STATIC / "styles" / "tokens.css").read_text()
    declared = dict(re.findall(r"^  (--nh-[a-z-]+): (.+);$", tokens, re.MULTILINE))
    in_schemes = {
        name: found.groups() if (found := re.fullmatch(r"light-dark\((\S+), (\S+)\)", value)) else (value, value)
        for name, value in declared.items()
    }
    # Its value is too long for a table.
    assert {**in_schemes, "--nh-shadow": properties_of_page()["--nh-shadow"]} == properties_of_page()


def test_every_other_custom_property_is_named_as_private() -> None:
    """Admin sheets also use those of Django, which declares them."""
    sheets = [path for path in SOURCES if path.suffix in {".css", ".js"}]
    used = {
        name for path in sheets for name in re.findall(r"(?<![\w-])--[a-z_][a-z_-]*[a-z](?=[^\w-])", path.read_text())
    }
    admin = [path.read_text() for path in sheets if path.parent.name == "admin"]
    of_django = {
        name for text in admin for name in re.findall(r"var\((--[a-z-]+)", text) if not name.startswith("--nh-")
    }
    assert {name for name in used - of_django if not name.startswith("--_")} == properties_of_page().keys()


def test_every_block_of_a_template_is_on_the_page() -> None:
    listed = re.findall(r"^\| `([\w./]+\.html)` \| .+? \| (.+) \|$", section(page("styles"), "Blocks"), re.MULTILINE)
    folder = ROOT / "notifications_hub" / "templates" / "notifications_hub"
    found = {
        str(path.relative_to(folder)): re.findall(r"{% block (\w+) %}", path.read_text())
        for path in folder.rglob("*.html")
    }
    assert {name: re.findall(r"`(\w+)`", blocks) for name, blocks in listed} == {
        name: blocks for name, blocks in found.items() if blocks
    }


def test_every_icon_is_on_the_page_and_every_icon_of_the_page_exists() -> None:
    rows = re.findall(r"^\| [a-z ]+ \| (`.+) \|$", section(page("styles"), "Icons"), re.MULTILINE)
    listed = re.findall(r"`([a-z-]+)`", "".join(rows))
    assert sorted(listed) == own_icons()


def test_every_template_tag_is_on_the_page() -> None:
    listed = set(re.findall(r"^\| `\{% (\w+)", section(page("elements"), "Template tags"), re.MULTILINE))
    assert listed == set(register.tags)


@pytest.mark.parametrize(
    ("module", "reference"), [("client.js", "scripts"), ("package/index.js", "package")], ids=["scripts", "package"]
)
def test_every_name_that_a_script_may_import_is_on_the_page(module: str, reference: str) -> None:
    lists = re.findall(r"export \{(.+?)\}", (STATIC / module).read_text(), re.DOTALL)
    exported = {name.strip() for names in lists for name in names.split(",")} - {""}
    text = page(reference)
    named = {name.partition("(")[0] for name in first_cells(text)}
    assert exported <= named | set(re.findall(r"^## (\w+)$", text, re.MULTILINE))


# HTTP


def test_every_route_of_the_schema_is_on_the_page() -> None:
    paths = api.get_openapi_schema(path_prefix="")["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    listed = re.findall(r"^\| (GET|POST|PUT|PATCH|DELETE) \| `(.+?)` \|", page("http"), re.MULTILINE)
    assert set(listed) == routes


def test_every_parameter_of_the_list_is_on_the_page() -> None:
    listing = api.get_openapi_schema(path_prefix="")["paths"]["/notifications/"]["get"]
    assert {one["name"] for one in listing["parameters"]} <= first_cells(section(page("http"), "REST API"))


def test_every_field_of_an_item_and_of_a_job_is_on_the_page() -> None:
    now = datetime.now(UTC)
    message = Message(id="1", kind="default", title="Hello")
    item = Item(message=message, at=now, translations={}, extension={}, scope="")
    _, of_item, of_job = re.split(r"^### .+$", section(page("http"), "REST API"), flags=re.MULTILINE)
    assert first_cells(of_item) >= set(item.as_json())
    assert first_cells(of_job) >= set(Job(created=now).as_json())


def test_every_page_and_probe_is_on_the_page() -> None:
    routes = [*_routes(notifications_hub.urls.urlpatterns), *_routes(service_worker.urls.urlpatterns)]
    own = {re.sub(r"<\w+:", "<", f"/{route}") for route in routes if not route.startswith("api/")}
    assert own <= set(re.findall(r"`(/[^`]*)`", page("http")))


def _routes(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> list[str]:
    routes: list[str] = []
    for entry in patterns:
        route = prefix + str(entry.pattern)
        routes += [route] if isinstance(entry, URLPattern) else _routes(entry.url_patterns, route)
    return routes


# Commands and metrics


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_in_its_section(name: str) -> None:
    command: BaseCommand = importlib.import_module(f"notifications_hub.management.commands.{name}").Command()
    own = argparse.ArgumentParser(add_help=False)
    command.add_arguments(own)  # type: ignore[arg-type]
    options = {option for action in own._actions for option in action.option_strings}
    listed = {word.split()[0] for word in first_cells(section(page("commands"), name))}
    assert options == listed


def test_every_command_has_a_section() -> None:
    assert sorted(re.findall(r"^## (\w+)$", page("commands"), re.MULTILINE)) == COMMANDS


@pytest.mark.django_db
def test_every_metric_is_on_the_page() -> None:
    WorkerHeartbeat.objects.create(pk=1, at=Now())
    given = set(re.findall(r"^# TYPE (\w+) ", metrics.exposition(metrics.ask()).decode(), re.MULTILINE))
    assert first_cells(page("metrics")) == {name for name in given if name.startswith("notifications_hub_")}
    for one in vars(measures).values():
        if isinstance(one, MetricWrapperBase):
            [family] = one.describe()
            name = family.name + "_total" * isinstance(one, Counter)
            labels = ", ".join(f"`{label}`" for label in one._labelnames)
            assert f"| `{name}` | {one._type} | {labels}{' ' * bool(labels)}|" in page("metrics")
