"""Check that the catalogs contain and translate every message of the sources, and that each .mo matches its .po."""

from __future__ import annotations

import gettext
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = {".venv", "build", "node_modules", "var"}
WORDLESS = {"bench", "docs", "stubs", "tests"}
EXTRACT = ["makemessages", "--locale", "zh_Hans", "--no-location", "--no-obsolete", "--verbosity", "0"]


def main() -> int:
    catalogs = [
        path for path in sorted(ROOT.glob("**/*.po")) if not NOT_OURS.intersection(path.relative_to(ROOT).parts)
    ]
    complaints = [complaint for path in catalogs for complaint in complaints_about(path)]
    complaints += missing_from(catalogs)
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


def missing_from(catalogs: list[Path]) -> list[str]:
    """Return the changes that makemessages would make, found on a copy of the sources."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_sources(copy)
        environment = {**os.environ, "DEBUG": "1"}
        subprocess.run([sys.executable, "manage.py", *EXTRACT], cwd=copy, env=environment, check=True)
        names = [path.relative_to(ROOT) for path in catalogs]
        return [complaint for name in names for complaint in differences(name, copy / name)]


def copy_sources(copy: Path) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.py", "*.html", "*.txt", "*.po"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in names:
        source = ROOT / name
        if source.is_file() and name.partition("/")[0] not in WORDLESS:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy / name)


def differences(name: Path, extracted: Path) -> list[str]:
    here, wanted = messages_of(ROOT / name), messages_of(extracted)
    missing = [f"{name}: lacks {message}; run manage.py makemessages" for message in sorted(wanted - here)]
    return missing + [f"{name}: no source contains {message} any more" for message in sorted(here - wanted)]


def messages_of(source: Path) -> set[str]:
    """Return each message with its context and plural, as written in the file."""
    keep = ["msgattrib", "--no-obsolete", "--no-wrap", "--no-location", "--clear-fuzzy", "--empty", str(source)]
    text = subprocess.run(keep, check=True, capture_output=True, text=True).stdout
    entries = text.split("\n\n")[1:]
    return {" ".join(line for line in entry.splitlines() if line.startswith(("msgid", "msgctxt"))) for entry in entries}


def msgfmt(source: Path) -> bytes:
    return subprocess.run(["msgfmt", "--check", "-o", "-", str(source)], check=True, capture_output=True).stdout


def count_unfinished(source: Path) -> int:
    keep = ["msgattrib", "--no-obsolete", "--no-wrap", str(source)]
    found = 0
    for kind in ("--untranslated", "--only-fuzzy"):
        text = subprocess.run([*keep, kind], check=True, capture_output=True, text=True).stdout
        # The first msgid belongs to the header.
        found += max(0, text.count("\nmsgid ") - 1)
    return found


def catalog_of(compiled: bytes) -> dict[object, str]:
    """Return the messages, to be compared instead of bytes: msgfmt's versions lay them out differently."""
    translations = gettext.GNUTranslations(io.BytesIO(compiled))
    return dict(translations._catalog)  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
