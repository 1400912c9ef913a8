"""The rules of a banner: the pages that show it, and what its author may choose. Its paths are no regular expressions.

`static/notifications_hub/banners/banner-paths.js` decides the same in a page. Both are tested with the same table.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from notifications_hub.audiences import EVERYONE
from notifications_hub.web.text import is_storable

if TYPE_CHECKING:
    from notifications_hub.announcements.models import Announcement

MOST_PATHS = 20
MOST_STARS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A banner for `broadcast()`. It stands on pages with one of the `paths`, or on every page without any.

    `/shop/` stands for that page and all pages below it, `/` and `/about` for that page alone, and `*` for anything.
    `is_public` shows it to visitors who are not signed in, too, and needs the audience `everyone`.
    """

    paths: Collection[str] = ()
    is_dismissable: bool = True
    is_public: bool = False

    def columns(self) -> dict[str, Any]:
        """Return the columns of its announcement. Raise `TypeError` if the paths are one text."""
        if isinstance(self.paths, str):
            raise TypeError(f"paths must be a list of paths, like [{self.paths!r}], not a text.")
        return {
            "is_banner": True,
            "banner_paths": "\n".join(self.paths),
            "is_banner_dismissable": self.is_dismissable,
            "is_banner_public": self.is_public,
        }


def paths_of(text: str) -> list[str]:
    """Return the paths of a text with one on each line. None: every page."""
    return [unquote(line.strip()) for line in text.splitlines() if line.strip()]


def is_shown_on(paths: Sequence[str], path: str) -> bool:
    """Return whether a page shows the banner. `path` begins after the site's prefix, and is not percent-encoded.

    `/shop/` stands for that page and all pages below it, `/` and `/about` for that page alone, and `*` for anything.
    """
    return not paths or any(_matches(rule, path) for rule in paths)


def _matches(rule: str, path: str) -> bool:
    if "*" in rule:
        return _fits(rule.split("*"), path)
    return path == rule or (rule != "/" and rule.endswith("/") and path.startswith(rule))


def _fits(pieces: Sequence[str], path: str) -> bool:
    """Return whether the path has the pieces in this order, beginning and ending with the outer ones. Linear time."""
    first, *inner, last = pieces
    at, end = len(first), len(path) - len(last)
    if at > end or not path.startswith(first) or not path.endswith(last):
        return False
    for piece in inner:
        found = path.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def as_json(announcement: Announcement) -> dict[str, Any] | None:
    """Return what a page needs to know about an announcement's banner, or None if it has none."""
    if not announcement.is_banner:
        return None
    return {"paths": paths_of(announcement.banner_paths), "dismissable": announcement.is_banner_dismissable}


def as_public_json(announcement: Announcement) -> dict[str, Any]:
    """Return the item for visitors who are not signed in."""
    return {**announcement.item().as_json(), "url": public_url(announcement)}


def public_url(announcement: Announcement) -> str:
    """Return the path that visitors are led to. The pages that count a click or show the whole text are for people."""
    link = announcement.link
    return "" if link.host else link.url


def validate(announcement: Announcement) -> None:
    """Raise `ValidationError` for paths that are none, and for a public banner of a smaller audience."""
    paths = announcement.banner_paths.split("\n")
    wrong = [line.strip() for line in paths if line.strip() and not _is_path(line.strip())]
    if wrong:
        text = _("“%(line)s” is not a path of this site. Write one path per line, like /shop/ or /news/*.")
        raise ValidationError({"banner_paths": text % {"line": wrong[0][:80]}})
    if len(paths_of(announcement.banner_paths)) > MOST_PATHS:
        text = _("Write at most %(number)d paths. A path like /shop/ includes all pages below it.")
        raise ValidationError({"banner_paths": text % {"number": MOST_PATHS}})
    if announcement.is_banner and announcement.is_banner_public and announcement.audience != EVERYONE:
        text = _("Visitors can see only what is for everyone. Choose the audience “Everyone”, or turn this off.")
        raise ValidationError({"is_banner_public": text})


def _is_path(line: str) -> bool:
    strange = any(character in "?#\\" or character.isspace() for character in line) or not is_storable(line)
    return line.startswith("/") and not line.startswith("//") and not strange and line.count("*") <= MOST_STARS
