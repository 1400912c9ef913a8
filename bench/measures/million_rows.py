"""The rows that every page, API route, chore and admin list reads on a site with ten million notifications."""

from __future__ import annotations

import os
import sys

from bench.kept_rows import call, kept_rows
from bench.stage import Stage
from bench.table import Table

NOTIFICATIONS = int(os.environ.get("BENCH_NOTIFICATIONS", "10000000"))
QUICK = 100_000


def measure(stage: Stage, *, quick: bool) -> Table:
    number = QUICK if quick else NOTIFICATIONS
    table = Table(
        title=f"A site with {number:,} notifications",
        wanted="no statement reads more than 200 buffers, or a constant for each row that it returns or changes; the "
        "admin's lists may read one for each of the newest 10,000 rows",
        method=f"{number // 10:,} people, {number // 50:,} push subscriptions, {number * 11 // 10:,} events, and one "
        f"person with {number // 100:,} notifications, all unread, who asks for the pages and the API. Rows are loaded "
        "by COPY and kept between runs. EXPLAIN (ANALYZE, BUFFERS) explains each statement before it runs. Times "
        "are the database's, of all statements of a case together. The cases are those of tests/cost; some are several "
        "requests.",
        columns=("case", "statements", "database ms", "slowest ms", "most buffers"),
    )
    with kept_rows(number) as environment:
        found = call("cases", number, environment)
    for case in found:
        table.add(case["name"], *(case[name] for name in ("statements", "milliseconds", "slowest", "buffers")))
    dear = [case for case in found if case["too_dear"]]
    for case in dear:
        print(f"\n{case['name']}:", *case["too_dear"], sep="\n", file=sys.stderr)
    table.judge(not dear, f"{len(dear)} of {len(found)} cases read more: {', '.join(case['name'] for case in dear)}")
    return table
