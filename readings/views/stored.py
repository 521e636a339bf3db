"""A meter's stored readings: the list, and one of them."""

from collections.abc import Sequence
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from meters.requests import meter_page_of
from readings.findings import finding_words
from readings.listing import ReadingRow, columns_of, gaps_of, instant_of, readings_of
from readings.stories import story_of
from readings.views.corrections import row_of
from ready.accounts.units import units_of
from ready.policy import access
from ready.web import formats


@access("meters.view")
@require_GET
def reading_list(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A meter's stored readings, or the values of its own memory (Log data), the newest first."""
    before = request.GET.get("before", "")
    at = instant_of(int(before)) if before.isdecimal() and len(before) < 20 else None
    logged = request.GET.get("show", "") == "log"
    rows = readings_of(pk, units_of(request), at, logged=logged)
    columns = columns_of(rows.rows)
    page = meter_page_of(pk)
    gaps = {} if logged else gaps_of(rows.rows, timedelta(minutes=page.interval_min))
    older = f"before={rows.next_key}" + ("&show=log" if logged else "")
    context = {
        "page": page,
        "tab": "log" if logged else "readings",
        "logged": logged,
        "columns": columns,
        # A gap stands before the row of the reading that it follows: the newest come first.
        "rows": [
            (
                row,
                [row.value(column.column) for column in columns],
                formats.duration(gaps[row.at]) if row.at in gaps else "",
            )
            for row in rows
        ],
        "next_url": f"?{older}" if rows.next_key else "",
        "later": at is not None,
        "silent": "" if logged or at else _silent(rows.rows, page.interval_min),
    }
    return render(request, "readings/list.html", context)


def _silent(rows: Sequence[ReadingRow], interval_min: int) -> str:
    """How long nothing has come since the newest reading, where that is no more to be expected."""
    if not rows:
        return ""
    since = timezone.now() - rows[0].at
    return formats.duration(since) if since > timedelta(minutes=3 * interval_min) else ""


@access("meters.view")
@require_GET
def reading(request: HttpRequest, tenant: str, pk: int, key: int) -> HttpResponse:
    """One reading: every register, how it came and how far it can be trusted."""
    row = row_of(request, pk, key)
    context = {
        "page": meter_page_of(pk),
        "tab": "readings",
        "row": row,
        "findings": [
            (one, finding_words(one, row.units)) for one in (row.mark.findings if row.mark else ())
        ],
        "story": story_of(pk, row.at, row.status, row.units),
    }
    return render(request, "readings/detail.html", context)
