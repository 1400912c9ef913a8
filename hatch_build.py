"""The long description of a package: README.md, with links that work outside the repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")
_PAGE = re.compile(r"(?:README|index)?\.md(?=#|$)")


class LongDescription(MetadataHookInterface):
    """Hook of hatchling that sets `readme`."""

    def update(self, metadata: dict[str, Any]) -> None:
        readme = (Path(self.root) / "README.md").read_text()
        text = link_outside(readme, metadata.get("urls", {}))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def link_outside(readme: str, urls: Mapping[str, str]) -> str:
    """Link what is in `docs/` to the site of the documents. Of any other link only the text is left.

    Without the URL `Documentation` there is no such site: then no link and no picture within the repository is left.
    """
    documents = urls.get("Documentation", "").rstrip("/")

    def outside(link: re.Match[str]) -> str:
        mark, text, target = link.groups()
        if documents and target.startswith("docs/"):
            return f"{mark}[{text}]({documents}/{_address(target.removeprefix('docs/'))})"
        return "" if mark else text

    return re.sub(r"\n{3,}", "\n\n", _LINK.sub(outside, readme))


def _address(page: str) -> str:
    """Return the address that MkDocs gives to a page or picture."""
    return _PAGE.sub(lambda suffix: "/" if suffix[0] == ".md" else "", page)
