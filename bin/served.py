"""The environment of the site that bin/run serves, shared by bin/manage. Uses only the standard library."""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess

from environment import PYTHON, ROOT, fail

VAR = ROOT / "var"
SECRETS = VAR / "run.env"


def served_environment() -> dict[str, str]:
    """Return the environment of the site. Variables that are already set take precedence."""
    VAR.mkdir(mode=0o700, exist_ok=True)
    folders = {"CELERY_FOLDER": message_folder(), "EMAIL_FOLDER": str(VAR / "emails")}
    return {"DEBUG": "1", "DEMO_PICTURES": "1", **folders, **kept_secrets(), **os.environ}


def message_folder() -> str:
    """Return a folder for each database, so that a worker cannot take messages of another site in this clone."""
    database = hashlib.sha256(os.environ.get("DATABASE_URL", "").encode()).hexdigest()[:12]
    return str(VAR / "jobs" / database)


def kept_secrets() -> dict[str, str]:
    """Return keys that are made once, so that sessions and push subscriptions survive a restart."""
    if not SECRETS.exists():
        lines = f"SECRET_KEY={secrets.token_urlsafe(50)}\n{new_vapid_pair()}"
        # The file appears complete or not at all, because a half-written one would be kept for ever.
        draft = SECRETS.with_suffix(f".{os.getpid()}")
        with open(draft, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(lines)
        draft.replace(SECRETS)
    return dict(line.split("=", 1) for line in SECRETS.read_text().splitlines() if line)


def new_vapid_pair() -> str:
    command = [str(PYTHON), str(ROOT / "manage.py"), "hub_vapid", "--env"]
    run = subprocess.run(command, env={**os.environ, "DEBUG": "1"}, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        fail(f"no VAPID pair could be made:\n{run.stderr}")
    return run.stdout
