"""The options of bin/cluster. Uses only the standard library."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from environment import fail

MOST = 32


@dataclass(frozen=True, kw_only=True)
class Options:
    webs: int
    workers: int
    port: int | None
    folder: Path | None
    password: str | None
    no_fsync: bool
    pgbouncer: bool
    sentinel: bool
    prepare: bool


def parse(about: str | None) -> Options:
    """Return the options of the command line. Exit with help or an error."""
    parser = argparse.ArgumentParser(
        prog="bin/cluster", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--webs", type=int, default=2, metavar="N", help="web processes (2)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="Celery workers (2)")
    parser.add_argument("--port", type=int, help="port of nginx (a free one)")
    parser.add_argument("--folder", type=Path, help="keep data, keys and logs here for the next run (temporary)")
    parser.add_argument("--password", help="password of the demo people (a random one)")
    parser.add_argument(
        "--pgbouncer", action="store_true", help="put PgBouncer, in transaction mode, before PostgreSQL"
    )
    about_sentinel = "add a second Redis that takes over if the first is killed, and three sentinels"
    parser.add_argument("--sentinel", action="store_true", help=about_sentinel)
    parser.add_argument("--no-fsync", action="store_true", help="faster, but a crash of the machine may lose data")
    about_prepare = "only create what the --folder keeps, for a fast start later"
    parser.add_argument("--prepare", action="store_true", help=about_prepare)
    options = Options(**vars(parser.parse_args()))
    for name, number in (("--webs", options.webs), ("--workers", options.workers)):
        if not 1 <= number <= MOST:
            fail(f"{name} must be a number from 1 to {MOST}, not {number}")
    if options.prepare and options.folder is None:
        fail("--prepare needs a --folder")
    if options.port is not None and not 0 < options.port < 65536:
        fail(f"--port must be a number from 1 to 65535, not {options.port}")
    return options
