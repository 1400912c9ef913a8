"""The files of `deploy/` pass the checks of the programs that read them, as far as these run without a server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.compose import DEPLOY, configuration, copied, program
from tests.support.image import instructions
from tests.support.processes import ROOT, tool

KUBERNETES = DEPLOY / "kubernetes"
OLDEST, NEWEST = "1.30", "1.37"
"""Versions of Kubernetes."""
MOST_EXPOSED = 20
"""Tenths, of the scale of `systemd-analyze security`: 0 is a sealed unit, 100 an open one."""
SITE = {"hub-web", "hub-worker", "hub-beat", "hub-migrate"}
UNITS = ("hub-migrate.service", "hub-web@1.service", "hub-worker@1.service", "hub-beat.service")


def run(*command: str, **environment: str) -> str:
    """Run a linter, which must find nothing. Return its output."""
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Docker


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    run(program("hadolint"), "--failure-threshold", "style", str(DEPLOY / "Dockerfile"))


def test_the_image_is_pinned_not_root_and_has_a_health_check() -> None:
    steps = list(instructions((DEPLOY / "Dockerfile").read_text()))
    assert [text for word, text in steps if word == "ARG"] == ["PYTHON=3.13.9"]
    bases = [text.split()[0] for word, text in steps if word == "FROM"]
    assert bases == ["python:${PYTHON}-slim-trixie"] * 2
    last = steps[[word for word, _ in steps].index("FROM", 1) :]
    assert {word for word, _ in last} >= {"USER", "HEALTHCHECK", "CMD"}
    assert dict(last)["USER"] == "10001:10001"


def test_the_build_gets_only_what_the_dockerfile_copies() -> None:
    copied_ = {
        one
        for word, text in instructions((DEPLOY / "Dockerfile").read_text())
        if word == "COPY"
        for one in text.split()[:-1]
    }
    sent = set(re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    assert sent == {one for one in copied_ if not one.startswith(("--", "/"))}


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return configuration(copied(tmp_path_factory.mktemp("deploy"), {}))


def test_docker_compose_accepts_the_services(compose: dict[str, Any]) -> None:
    services = {"migrate", "web-1", "web-2", "worker", "beat", "nginx", "postgres", "redis"}
    assert set(compose["services"]) == services
    for name, service in compose["services"].items():
        assert re.search(r":(\d+\.\d+\.\d+|\d+\.\d+-\w+|local)", service["image"]), f"{name} is not pinned"
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("user") != "root", name
        # A database or a cache that is reachable from outside is the commonest leak.
        assert ("ports" in service) is (name == "nginx"), name


def test_no_secret_is_in_the_environment(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        named = set(service.get("environment") or {})
        assert not named & {"SECRET_KEY", "DATABASE_URL", "POSTGRES_PASSWORD"}, name


# systemd


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the units, with the code and the packages of this work tree: systemd looks whether programs exist."""
    folder = tmp_path_factory.mktemp("units") / "system"
    shutil.copytree(DEPLOY / "systemd", folder)
    for file in folder.rglob("*.*"):
        if file.is_file():
            file.write_text(file.read_text().replace("/srv/hub", str(ROOT)))
    return folder


def test_systemd_accepts_the_units(units: Path) -> None:
    done = subprocess.run(
        [tool("systemd-analyze"), "verify", "hub.target", *UNITS],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    # It names unknown keys, and still returns 0.
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_hardened(units: Path, unit: str) -> None:
    limit = f"--threshold={MOST_EXPOSED}"
    run(tool("systemd-analyze"), "security", "--offline=yes", limit, unit, SYSTEMD_UNIT_PATH=f"{units}:")


def test_systemd_runs_what_compose_runs(compose: dict[str, Any]) -> None:
    for unit, service in {
        "hub-web@": "web-1",
        "hub-worker@": "worker",
        "hub-beat": "beat",
        "hub-migrate": "migrate",
    }.items():
        [started] = re.findall(
            r"^ExecStart=/srv/hub/.venv/bin/(.+)$", (DEPLOY / "systemd" / f"{unit}.service").read_text(), re.MULTILINE
        )
        named = started.replace("web-%i", "web-1").replace(" --hostname worker-%i@%%h", "").split()
        assert sorted(named) == sorted(compose["services"][service]["command"])


# Kubernetes


def rendered(folder: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(run(program("kubectl"), "kustomize", str(folder))))


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    return rendered(KUBERNETES / "example")


def pods(resources: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for resource in resources:
        if "template" in resource.get("spec", {}):
            yield resource["metadata"]["name"], resource["spec"]["template"]["spec"]


def named(resources: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    [found] = [one for one in resources if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("folder", ["base", "example"])
def test_every_resource_is_valid(folder: str, version: str) -> None:
    import kubernetes_validate  # takes a second and a half, which each worker would need to collect the tests

    found = rendered(KUBERNETES / folder)
    assert {one["metadata"]["name"] for one in found} >= SITE
    for resource in found:
        kubernetes_validate.validate(resource, version, strict=True)


def test_every_container_is_sealed(resources: list[dict[str, Any]]) -> None:
    found = dict(pods(resources))
    assert set(found) == SITE
    for name, pod in found.items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in [*pod["containers"], *pod.get("initContainers", ())]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in container["resources"]["limits"]


def test_an_update_takes_no_process_away_before_another_is_ready(resources: list[dict[str, Any]]) -> None:
    web = named(resources, "Deployment", "hub-web")
    assert web["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    [container] = web["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    # hub_serve takes five seconds for what runs, and five more are room.
    assert web["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= pause + 10
    assert named(resources, "PodDisruptionBudget", "hub-web")["spec"]["maxUnavailable"] == 1
    # Two clocks would send each task twice.
    assert named(resources, "Deployment", "hub-beat")["spec"]["strategy"] == {"type": "Recreate"}


def test_the_name_of_the_site_is_everywhere_the_one_of_its_own_folder(resources: list[dict[str, Any]]) -> None:
    text = yaml.safe_dump_all(resources)
    assert "hub.example" not in text
    assert named(resources, "Ingress", "hub")["spec"]["rules"][0]["host"] == "news.example"
    assert text.count("value: news.example") == 3


def test_kubernetes_runs_what_compose_runs(resources: list[dict[str, Any]], compose: dict[str, Any]) -> None:
    for name, pod in pods(resources):
        [container] = pod["containers"]
        command = container.get("command") or container["args"]
        service = name.removeprefix("hub-")
        if service == "web":
            assert command[:3] == compose["services"]["web-1"]["command"][:3]
        else:
            assert command == compose["services"][service]["command"]
