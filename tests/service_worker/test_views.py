from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client


def test_the_worker_may_control_the_whole_site(client: Client) -> None:
    response = client.get("/sw.js")
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Service-Worker-Allowed"] == "/"
    assert response["Cache-Control"] == "no-cache"


def test_the_worker_contains_both_scripts(client: Client) -> None:
    script = client.get("/sw.js").content.decode()
    for name in ("push.js", "sw.js"):
        path = finders.find(f"service_worker/{name}")
        assert isinstance(path, str)
        assert Path(path).read_text() in script


@pytest.mark.parametrize("path", ["/sw.js", "/manifest.webmanifest"])
def test_only_reading_is_allowed(client: Client, path: str) -> None:
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


def test_the_manifest_makes_the_site_installable(client: Client) -> None:
    response = client.get("/manifest.webmanifest")
    assert response["Content-Type"] == "application/manifest+json; charset=utf-8"
    manifest = json.loads(response.content)
    assert manifest["name"]
    assert manifest["display"] == "standalone"
    assert manifest["start_url"] == "/"


def test_every_icon_exists_in_its_declared_size(client: Client) -> None:
    icons = json.loads(client.get("/manifest.webmanifest").content)["icons"]
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in icons}
    for icon in icons:
        name = urlsplit(icon["src"]).path.partition("service_worker/")[2]
        path = finders.find(f"service_worker/{name}")
        assert isinstance(path, str), icon["src"]
        if icon["type"] == "image/png":
            assert _size_of_png(Path(path)) == icon["sizes"]


def _size_of_png(path: Path) -> str:
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    return f"{int.from_bytes(header[16:20], 'big')}x{int.from_bytes(header[20:24], 'big')}"
