"""Replay a world: `.venv/bin/python -m tests.simulation SEED STEPS [MUTANT]` prints its figures and its faults."""

from __future__ import annotations

import os
import sys

import django


def main(seed: int, steps: int, title: str = "") -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    import pytest
    from django.db import connection

    from tests.simulation.mutants import MENDS, OTHERS
    from tests.simulation.run import simulate

    database = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=None)
    try:
        with pytest.MonkeyPatch.context() as patched:
            for mutant in [*MENDS, *OTHERS]:
                if mutant.title == title:
                    mutant.install(patched)
            world = simulate(seed, steps)
    finally:
        connection.creation.destroy_test_db(database, verbosity=0)
    print(world.report(), *world.blamed, sep="\n")  # noqa: T201
    return 1 if world.blamed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
