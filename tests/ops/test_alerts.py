"""The files for Prometheus and Grafana: they name metrics and labels that exist, and each alert fires as it should."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from notifications_hub.ops import metrics
from notifications_hub.telemetry import measures
from tests.support.processes import ROOT
from tests.support.promtool import promtool

RULES = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "notifications-hub.json"
OF_PROMETHEUS = {"job", "instance"}
"""Labels that every scraped series has."""
_NAME = re.compile(r"\b(notifications_hub_\w+|process_\w+|up)\b")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
_BY = re.compile(r"\bby \(([^)]*)\)")


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    board = json.loads(DASHBOARD.read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def labels_by_name() -> dict[str, set[str]]:
    """Return the labels of every series that a scrape can have."""
    found = {"up": set[str]()}
    for one in vars(measures).values():
        if isinstance(one, MetricWrapperBase):
            [family] = one.describe()
            own = set(one._labelnames)
            if family.type == "histogram":
                found |= {f"{family.name}{end}": own for end in ("_sum", "_count")} | {
                    f"{family.name}_bucket": own | {"le"}
                }
            else:
                found[f"{family.name}_total" if family.type == "counter" else family.name] = own
    for family in [*metrics.ask(), *metrics._answered(None), *ProcessCollector(registry=None).collect()]:
        own = {label for sample in family.samples for label in sample.labels}
        found[f"{family.name}_total" if family.type == "counter" else family.name] = own
    return found


@pytest.mark.django_db
def test_every_query_names_metrics_and_labels_that_exist() -> None:
    # It shows only once a worker has worked.
    known = labels_by_name() | {"notifications_hub_worker_heartbeat_age_seconds": set()}
    asked = list(queries())
    assert len(asked) > 40
    for query in asked:
        names = set(_NAME.findall(query))
        assert names, query
        assert names <= known.keys(), query
        by = {label.strip() for group in _BY.findall(query) for label in group.split(",")}
        wanted = {*_MATCHER.findall(query), *by} - OF_PROMETHEUS
        assert wanted <= set().union(*(known[name] for name in names)), query


def test_promtool_accepts_the_rules_and_the_configuration() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", "alerts.yml", folder=RULES)
    promtool("check", "config", "--syntax-only", "prometheus.yml", folder=RULES)


def test_alerts_fire_when_they_should() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml", folder=RULES)


def test_promtool_can_parse_every_query_of_the_dashboard(tmp_path: Path) -> None:
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    recorded = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(asked)
    ]
    (tmp_path / "dashboard.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
    assert f"{len(asked)} rules found" in promtool("check", "rules", "dashboard.yml", folder=tmp_path)


def test_the_dashboard_has_a_panel_for_each_metric() -> None:
    shown = set(_NAME.findall(" ".join(target["expr"] for panel in panels() for target in panel["targets"])))
    every = [one for one in vars(measures).values() if isinstance(one, MetricWrapperBase)]
    counted = {family.name for one in every for family in one.describe()}
    missing = {name for name in counted if not any(series.startswith(name) for series in shown)}
    assert missing == {"notifications_hub_connections_opened"}


def test_each_alert_has_its_line_in_the_operations_guide() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text()
    section = guide.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| `(Hub\w+)` \|", section, re.MULTILINE)
    assert explained == [rule["alert"] for rule in rules()]
    assert {rule["annotations"]["runbook"] for rule in rules()} == {"docs/operations.md#alerts"}
