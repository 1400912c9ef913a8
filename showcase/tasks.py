"""What takes long enough to want a bar: a report of all posts, in one go or in parts."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable

from celery import shared_task
from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _

from notifications_hub import Done, HubTask, JobFailed
from showcase.models import Post

SECONDS = 10.0
STEPS = 50
_COLUMNS = ["title", "author", "written", "replies"]

Row = list[str]


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def write_report(self: HubTask, *, breaks: bool = False) -> Done:
    """Every post and how often it was answered."""
    for step in range(1, STEPS + 1):
        time.sleep(SECONDS / STEPS)
        self.progress(step, STEPS, f"{step} / {STEPS}")
        if breaks and step > STEPS / 4:
            raise JobFailed(_("A page is missing in the archive."))
    return _report(self.request.id, _rows(0, 1))


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def read_part(self: HubTask, part: int, parts: int) -> Done:
    """Those posts whose number leaves this remainder."""
    time.sleep(SECONDS / parts)
    self.progress(1, 1)
    return Done(value=_rows(part, parts))


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def join_parts(self: HubTask, parts: list[list[Row]]) -> Done:
    return _report(self.request.id, [row for part in parts for row in part])


def _rows(part: int, parts: int) -> list[Row]:
    posts = Post.objects.select_related("author").annotate(answers=Count("replies")).order_by("pk")
    return [
        [_harmless(post.title), _harmless(str(post.author)), f"{post.created:%Y-%m-%d %H:%M}", str(post.answers)]
        for post in posts
        if post.pk % parts == part
    ]


def _report(job_id: str, rows: Iterable[Row]) -> Done:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return Done(url=reverse("report-file", args=[job_id]), value=file.getvalue())


def _harmless(text: str) -> str:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
