"""See that every committed .mo file says what its .po file says, and that no message of it is untranslated or fuzzy."""

from __future__ import annotations

import gettext
import io
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = {".venv", "build", "node_modules", "var"}


def main() -> int:
    catalogs = [
        path for path in sorted(ROOT.glob("**/*.po")) if not NOT_OURS.intersection(path.relative_to(ROOT).parts)
    ]
    complaints = [complaint for path in catalogs for complaint in complaints_about(path)]
    print("\n".join(complaints) or f"{len(catalogs)} catalogs are complete and compiled.")
    return 1 if complaints or not catalogs else 0


def complaints_about(source: Path) -> list[str]:
    name = source.relative_to(ROOT)
    compiled = source.with_suffix(".mo")
    complaints = []
    if unfinished := count_unfinished(source):
        complaints.append(f"{name}: {unfinished} messages are untranslated or fuzzy")
    if not compiled.exists() or catalog_of(compiled.read_bytes()) != catalog_of(msgfmt(source)):
        complaints.append(f"{name}: its .mo file is not current; run manage.py compilemessages")
    return complaints


def msgfmt(source: Path) -> bytes:
    return subprocess.run(["msgfmt", "--check", "-o", "-", str(source)], check=True, capture_output=True).stdout


def count_unfinished(source: Path) -> int:
    keep = ["msgattrib", "--no-obsolete", "--no-wrap", str(source)]
    found = 0
    for kind in ("--untranslated", "--only-fuzzy"):
        text = subprocess.run([*keep, kind], check=True, capture_output=True, text=True).stdout
        # The first msgid is the header's.
        found += max(0, text.count("\nmsgid ") - 1)
    return found


def catalog_of(compiled: bytes) -> dict[object, str]:
    """Versions of msgfmt lay the same messages out differently, so the messages are compared."""
    translations = gettext.GNUTranslations(io.BytesIO(compiled))
    return dict(translations._catalog)  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
