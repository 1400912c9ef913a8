"""Pages of a host with a style sheet of its own: the bell is in its navigation, the hub's page in `main`."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from tests.support.processes import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

# The font and its size are the host's choice. With the same ones, boxes can be compared to the pixel.
SAME_TEXT = "\n:root { --nh-font: sans-serif; font-size: 16px !important; }"

# What a careless host may write.
RESET = """
* { margin: 0; padding: 0; border: 0; }
ul, ol { list-style: disc; padding-left: 40px; margin: 16px; }
li { display: inline-block; padding: 8px; border-bottom: 1px solid red; }
li::before { content: "–"; }
nav ul li a:hover { padding: 8px; }
button { width: 100%; min-height: 60px; margin-bottom: 16px; border-radius: 0; background: red; }
button:enabled:hover, [type="button"] { background: green; letter-spacing: 2px; }
input { width: 100%; padding: 12px; }
input[type="checkbox"]:checked::after { content: "x"; }
label { display: block; margin-bottom: 20px; }
h1, h2, h3 { font-size: 3em; text-transform: uppercase; }
p { margin: 0 0 1em; }
a { color: red; border-bottom: 2px solid; }
svg { width: 100%; height: auto; fill: red; vertical-align: middle; }
header { position: sticky; background: #eee; text-transform: uppercase; letter-spacing: 3px; text-align: center; }
footer { position: fixed; bottom: 0; background: black; padding: 30px; }
time { display: block; font-size: 20px; float: right; }
[popover] { padding: 40px; border: 5px solid red; }
progress { height: 40px; width: 100px; }
section, form { padding: 20px; background: #fee; }
table { width: auto; } tr:nth-child(2n) td { background: yellow; } td, th { padding: 30px; border: 1px solid; }
"""
PACKAGES = {
    "pico": "@picocss/pico/css/pico.min.css",
    "bootstrap": "bootstrap/dist/css/bootstrap.min.css",
    "tailwind": "tailwindcss/preflight.css",
    "simple": "simpledotcss/simple.min.css",
}
WRITTEN_HERE = {"none": "", "reset": RESET}
SHEETS = [*PACKAGES, "reset"]

PAGES = re.compile("/(notifications|showcase/report)/")

HOST = """<!DOCTYPE html>
<html lang="{language}" {attributes}>
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/of-the-host.css"></head>
<body><header><nav><ul><li>Host</li></ul><ul><li>{assets}{bell}</li><li><a href="/">About</a></li></ul></nav></header>
<main>{content}</main></body></html>
"""
ASSETS = re.compile(
    r'<link rel="stylesheet"[^>]*/notifications_hub/[^>]*>|<script[^>]*/notifications_hub/[^>]*></script>'
)

# A new address, because the browser keeps the style sheet of one that it knows.
RESTYLE = """() => new Promise(resolve => {
  const link = document.querySelector("link[href*='of-the-host']");
  link.addEventListener("load", resolve, { once: true });
  link.href = `/of-the-host.css?${performance.now()}`;
})"""


class HostPage:
    """A page of the site that is turned into a page of a host."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._sheet = self._attributes = ""
        page.context.grant_permissions(["local-network-access"])
        page.route("**/of-the-host.css*", lambda route: route.fulfill(body=self._sheet, content_type="text/css"))
        page.route(PAGES, self._rewrite)

    def open(self, path: str, sheet: str = "none", *, css: str = "", attributes: str = "") -> Page:
        """Open a page with one of `SHEETS`, rules of the host's own, and attributes of its root element."""
        self._sheet = style_sheet(sheet) + css + SAME_TEXT
        self._attributes = attributes
        self.page.goto(path)
        return self.page

    def restyle(self, sheet: str, *, css: str = "") -> None:
        """Replace the host's style sheet in the open page, which costs far less than opening it again."""
        self._sheet = style_sheet(sheet) + css + SAME_TEXT
        self.page.evaluate(RESTYLE)

    def _rewrite(self, route: Route) -> None:
        if route.request.resource_type != "document":
            route.fallback()
            return
        response = route.fetch()
        route.fulfill(response=response, body=host_page(response.text(), self._attributes))


def style_sheet(name: str) -> str:
    if name in WRITTEN_HERE:
        return WRITTEN_HERE[name]
    return (ROOT / "node_modules" / PACKAGES[name]).read_text()


def host_page(html: str, attributes: str) -> str:
    bell = _part(r"<notification-bell.*?</toast-stack>", html)
    content = _part(r"<main.*</main>", html)
    language = _part(r'(?<=<html lang=")[^"]*', html)
    assets = "".join(dict.fromkeys(ASSETS.findall(html)))
    return HOST.format(language=escape(language), attributes=attributes, assets=assets, bell=bell, content=content)


def _part(pattern: str, html: str) -> str:
    found = re.search(pattern, html, re.DOTALL)
    assert found, pattern
    return found[0]
