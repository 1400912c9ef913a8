"""The audit of `make check`: it looks up known vulnerabilities, and reports a service that does not answer."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.support.processes import ROOT

OSV = {
    "id": "GHSA-tea",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "Django pours twice.",
    "affected": [{"package": {"name": "django", "ecosystem": "PyPI"}, "ranges": []}],
}
NPM = {"id": 1, "title": "x", "url": "x", "severity": "high", "vulnerable_versions": "<99", "cwe": [], "cvss": {}}


@contextmanager
def advisories(*, answers: bool, known: frozenset[str] = frozenset()) -> Iterator[str]:
    """Serve the two APIs that pip-audit and npm query, with advisories for the `known` packages."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self._answer(json.loads(body))

        def do_GET(self) -> None:
            self.send_error(404)

        def _answer(self, asked: Any) -> None:
            if not answers:
                self.send_error(405)
                return
            text = json.dumps(self._about(asked)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def _about(self, asked: Any) -> Any:
            if self.path == "/osv":
                return {"vulns": [OSV]} if asked["package"]["name"] in known else {}
            return {name: [NPM] for name in asked if name in known}

        def log_message(self, *arguments: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bin" / "audit.py"), "-s", "osv", "--osv-url", f"{url}/osv"]
    environment = {**os.environ, "NPM_CONFIG_REGISTRY": url, "NPM_CONFIG_FETCH_RETRIES": "0"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_known_vulnerability_of_either_kind_fails() -> None:
    with advisories(answers=True, known=frozenset({"django", "typescript"})) as url:
        ended = audit(url)

    assert ended.returncode == 1, ended.stderr
    assert "django" in ended.stdout
    assert "GHSA-tea" in ended.stdout
    assert "typescript" in ended.stdout


@pytest.mark.exhaustive
@pytest.mark.faults
def test_no_vulnerability_means_no_output() -> None:
    with advisories(answers=True) as url:
        ended = audit(url)

    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


@pytest.mark.exhaustive
@pytest.mark.faults
def test_an_unreachable_service_is_reported_without_failing() -> None:
    with advisories(answers=False) as url:
        ended = audit(url)

    assert ended.returncode == 0, ended.stderr
    assert "no advisories for Python packages" in ended.stdout
    assert "no advisories for npm packages" in ended.stdout
