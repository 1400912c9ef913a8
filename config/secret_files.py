"""Variables whose values are in files, as container platforms mount secrets: `SECRET_KEY_FILE=/run/secrets/key`."""

from __future__ import annotations

from environ import FileAwareEnv
from environ.fileaware_mapping import FileAwareMapping


class _Files(FileAwareMapping):  # type: ignore[misc]
    def __getitem__(self, key: str) -> str:
        # Editors and `echo` end a file with a line break, which would become part of a key or of a database's name.
        value: str = super().__getitem__(key)
        return value.rstrip("\r\n")


class Env(FileAwareEnv):  # type: ignore[misc]
    """The environment. For each variable, `NAME_FILE` may name a file that holds the value, and then wins."""

    ENVIRON = _Files()
