"""Links that stay on this site."""

from __future__ import annotations

MAX_PATH = 2000


def same_site_path(url: str) -> str:
    """Gives the path back. Raises `ValueError` for what a browser could take for another site or for a script."""
    if not url:
        return url
    if len(url) > MAX_PATH:
        raise ValueError(f"The url has at most {MAX_PATH} characters, not {len(url)}.")
    # A browser drops tabs and newlines and reads a backslash as a slash before it looks at what is left.
    strange = "\\" in url or any(ord(character) <= 32 or ord(character) == 127 for character in url)
    if strange or not url.startswith("/") or url.startswith("//"):
        raise ValueError(f"The url is a path of this site like '/posts/9/', not {url!r}.")
    return url
