"""A CSV file that spreadsheets open as it is meant."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters by which a spreadsheet takes a text for a formula."""


def csv_file(name: str, rows: Iterable[Sequence[str | int]]) -> HttpResponse:
    """Return the rows as a file to download. No cell is taken for a formula."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    # By this mark a spreadsheet knows the encoding.
    response.write("\ufeff")
    csv.writer(response).writerows([_safe(cell) for cell in row] for row in rows)
    return response


def _safe(cell: str | int) -> str | int:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
