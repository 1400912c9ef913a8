"""Imports run one way. The table below is the architecture: a module imports only from its own part and lower ones.

Each line is a layer, the lowest first. Parts of one layer do not import each other. A package is one part, except for
modules that are listed separately. `INSIDE` orders the modules of four packages. An import inside a function counts
like any other; an import for type checkers only does not.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HUB = "notifications_hub"

LAYERS = [
    [
        "admin_guards",
        "admin_lists",
        "cache_keys",
        "escalation.after",
        "grouping.group",
        "grouping.storm",
        "guarded_cache",
        "name_clashes",
        "request_ids",
    ],
    ["telemetry"],
    ["database", "json_logs", "kinds", "task_framework", "users", "web"],
    ["charts", "following.followed", "following.reasons", "system_actors", "tallying"],
    [
        "actions.models",
        "announcements.results.models",
        "audience_lists",
        "confirmations.models",
        "conf",
        "delivery.models",
        "delivery.reasons",
        "escalation.models",
        "extension",
        "ingest.models",
        "ops.demo",
        "quiet_hours.calendar",
        "rendering",
        "use.models",
    ],
    [
        "announcements.results.failures",
        "avatars",
        "delivery.bulk",
        "delivery.worker_life",
        "discovery",
        "escalation.cancelling",
        "escalation.planning",
        "following.models",
        "own_kinds",
        "quiet_hours.models",
        "signals",
    ],
    [
        "admin_base",
        "announcements.results.tallies",
        "audiences",
        "message",
        "preference_links",
        "streams",
    ],
    ["actions.results", "grouping.words"],
    ["delivery.claiming", "extension_values", "notification_queryset", "rows.registry", "transports"],
    [
        "announcements.banners.rules",
        "announcements.markdown",
        "announcements.methods",
        "announcements.queryset",
        "announcements.validation",
        "use.tallies",
    ],
    ["announcements.models", "delivery.digest_choices", "delivery.preferences", "following"],
    [
        "email_checks",
        "escalation.declaration_checks",
        "icon_checks",
        "inbox_scope",
        "method_checks",
        "notification",
        "ops.asking",
        "ops.startup",
        "quiet_hours",
        "rows",
    ],
    ["actions.keys", "grouping.keys"],
    [
        "delivery.arming",
        "grouping",
        "notification_removal",
        "notify_arguments",
        "notify_statement",
        "package_import",
        "wsgi",
    ],
    ["delivery", "inbox_limit", "notify_words"],
    ["ops.metrics"],
    ["notify_created", "notify_insert", "snoozing"],
    [
        "actions",
        "announcements",
        "delivery.acknowledgement",
        "inbox_summary",
        "notify",
        "use",
        "worker_task",
    ],
    ["confirmations", "escalation", "live"],
    ["flash_claim", "ops.readiness"],
    ["ops.health"],
    ["ops.worker_metrics"],
    ["ops.metrics_checks", "tasks"],
    [
        "actions.checks",
        "checks",
        "confirmations.admin_pages",
        "database_checks",
        "extension_checks",
        "flash",
        "following.checks",
        "inbox",
        "jobs",
        "live.server",
        "ops.web_server",
        "publishing",
    ],
    ["announcements.admin_pages", "following.button", "following.schemas", "ingest", "use.admin_pages"],
    # Entry points for servers, Django and the command line.
    [
        "admin",
        "announcements.banners.page",
        "announcements.banners.views",
        "following.api",
        "following.link_views",
        "following.views",
        "apps",
        "asgi",
        "jobs.progress_tag",
        "jobs.views",
        "live_lists",
        "models",
        "ops",
        "ops.retention",
        "personal_data",
    ],
    [
        "actions.api",
        "actions.views",
        "announcements.banners.api",
        "catalogue",
        "jobs.api",
        "management",
        "templatetags",
    ],
    ["urls"],
    # Tests of a host import it, and no module of the app.
    ["testing"],
]
INSIDE = {
    "streams": [
        ["cursor", "snapshots", "sweeper"],
        ["changes", "models", "settled"],
        ["pruning", "sequencer"],
        ["leftovers"],
        ["numberer"],
        ["store"],
    ],
    "delivery": [
        ["models", "reasons"],
        ["bulk", "heartbeat", "worker_life"],
        ["arming", "claiming", "digest_choices", "preferences"],
        [
            "acknowledgement",
            "group_claims",
            "history",
            "planning",
            "pointless",
            "sender",
            "shown",
            "wishes",
            "worker_wakeup",
        ],
        ["accepted", "audience_check", "summary"],
        ["held"],
        ["preparing"],
        ["groups"],
        ["worker"],
    ],
    "escalation": [
        ["after", "models"],
        ["cancelling", "declaration_checks", "outcomes", "planning"],
        ["history", "people"],
        ["acting"],
        ["running"],
    ],
    "transports": [
        [
            "apprise",
            "base",
            "declaration",
            "email",
            "email.models",
            "email.unsubscribe_links",
            "email.wire_form",
            "outbound",
            "outbound.endpoints",
            "own_addresses",
            "own_addresses.sealing",
        ],
        ["email.recipients", "email.refusals", "email.smtp_errors"],
        ["email.connections", "email.headers", "email.reports"],
        ["email.content"],
        ["apprise.guard", "database", "memory", "outbound.host_limits", "outbound.resolver", "own_addresses.models"],
        ["web_push", "web_push.endpoints", "web_push.key_setup", "web_push.vapid", "webhook", "webhook.signature"],
        [
            "apprise.guarded_pool",
            "outbound.http_client",
            "own_addresses.site_transport",
            "own_addresses.transport",
            "web_push.subscriptions",
        ],
        ["apprise.services", "own_addresses.store"],
        ["web_push.key_check", "web_push.payload", "web_push.session_binding"],
        ["address_lookup", "apprise.transport", "email.transport", "web_push.transport", "webhook.transport"],
    ],
    "live": [
        [
            "batching",
            "cache_sharing",
            "channel_layer",
            "close_codes",
            "counted_warning",
            "eager_start",
            "origin",
            "topics",
            "visitor",
        ],
        ["db_threads", "frames", "process_list", "session", "start_cursor", "topic_presence"],
        ["revocation"],
        ["connection_token", "signing_out"],
        ["admission"],
        ["deadline", "handshake_limit", "log_reader", "presence", "topic_visits"],
        ["connection"],
        ["counting"],
        ["connection_registry", "fanout", "revalidation"],
        ["access_enforcement", "list_members", "shared_cap"],
        ["handshake"],
        ["hub"],
        ["asgi_exchange"],
        ["poll", "sse", "views", "websocket"],
        ["server"],
    ],
}
LEVEL = {part: level for level, layer in enumerate(LAYERS) for part in layer}


@cache
def modules(package: str) -> list[str]:
    files = [path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    return sorted(_name_of(path) for path in files)


def _name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports_of(module: str) -> frozenset[str]:
    return frozenset(_imported(_parsed(module), module))


@cache
def _parsed(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(source.read_text())


def _imported(node: ast.AST, module: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from _imported(ast.Module([other], []), module)
        elif isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{module} has a relative import"
            yield from (_target(child.module or "", name.name) for name in child.names)
        else:
            yield from _imported(child, module)


@cache
def _target(package: str, name: str) -> str:
    """Return the module that `from package import name` imports from: the submodule of that name, if there is one."""
    path = ROOT.joinpath(*package.split("."), name)
    return f"{package}.{name}" if path.is_dir() or path.with_suffix(".py").is_file() else package


def part_of(module: str) -> str:
    """Return the longest entry of the table that names the module or one of its packages."""
    names = module.removeprefix(f"{HUB}.").split(".")
    candidates = [".".join(names[:length]) for length in range(len(names), 0, -1)]
    return next((part for part in candidates if part in LEVEL), "")


def test_every_module_is_in_the_table() -> None:
    missing = [module for module in modules(HUB) if module != HUB and not part_of(module)]
    assert missing == [], "which layers are they?"


def test_a_module_imports_only_from_below() -> None:
    upward = [
        f"{module} imports {target}, which is not below it"
        for module in modules(HUB)
        if module != HUB
        for target in sorted(imports_of(module))
        if target.startswith(f"{HUB}.") and not _is_below(part_of(target), part_of(module))
    ]
    assert upward == []


def _is_below(part: str, other: str) -> bool:
    """Return whether another part may import from this one. A part that is not in the table has a test of its own."""
    return part == other or LEVEL.get(part, math.inf) < LEVEL.get(other, math.inf)


@pytest.mark.parametrize("package", INSIDE)
def test_inside_a_package_a_module_imports_only_from_below(package: str) -> None:
    prefix = f"{HUB}.{package}."
    level = {f"{prefix}{name}": number for number, layer in enumerate(INSIDE[package]) for name in layer}
    own = [module for module in modules(HUB) if module.startswith(prefix)]
    assert set(own) == set(level)
    for module in own:
        for target in sorted(imports_of(module) & set(own) - {module}):
            assert level[target] < level[module], f"{module} imports {target}, which is not below it"


@pytest.mark.parametrize(("package", "other"), [("live", "transports"), ("transports", "live")])
def test_connections_and_transports_do_not_know_each_other(package: str, other: str) -> None:
    own = [module for module in modules(HUB) if module.startswith(f"{HUB}.{package}")]
    known = {target for module in own for target in imports_of(module) if target.startswith(f"{HUB}.{other}")}
    assert known == set()


@pytest.mark.parametrize("package", [HUB, "service_worker"])
@pytest.mark.parametrize("stranger", ["accounts", "showcase", "config", "tests"])
def test_reusable_modules_know_nothing_of_this_site(package: str, stranger: str) -> None:
    for module in modules(package):
        known = [target for target in imports_of(module) if target.split(".")[0] == stranger]
        assert known == [], module


def test_modules_use_only_connections_and_transactions_of_the_database_of_the_hub() -> None:
    wrapping = (f"{HUB}.database.primary", f"{HUB}.database.transaction")
    strangers = {
        module: taken
        for module in modules(HUB)
        if module not in wrapping and (taken := _imported_from_django_db(module) & {"connection", "transaction"})
    }
    assert strangers == {}, f"import them from {HUB}: django.db's are of `default`, which a host may not have"


def _imported_from_django_db(module: str) -> set[str]:
    nodes = [node for node in ast.walk(_parsed(module)) if isinstance(node, ast.ImportFrom)]
    return {name.name for node in nodes if node.module == "django.db" for name in node.names}


def test_the_table_names_only_existing_modules() -> None:
    there = {part_of(module) for module in modules(HUB)}
    assert set(LEVEL) <= there


def test_the_package_itself_imports_nothing_of_its_own() -> None:
    """Check that names are imported on access: their modules define models, and Django may not be set up yet."""
    assert [target for target in imports_of(HUB) if target.startswith(HUB)] == []
