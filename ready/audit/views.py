"""Configuration → Audit log: who did what, when and from where."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from ready.audit import queries
from ready.audit.events import EVENTS
from ready.audit.models import AuditEntry, Outcome
from ready.policy import access
from ready.tenancy.requests import tenant_of
from ready.web.lists import csv_file, is_fragment, list_part
from ready.web.sheets import xlsx_file


@access("audit.view")
@require_GET
def trail(request: HttpRequest, tenant: str) -> HttpResponse:
    """A page of the log, the newest first."""
    wanted = queries.TrailFilter.of(request.GET)
    after = request.GET.get("after", "")
    page = queries.trail(wanted, after)
    parts = wanted.parts()
    query = urlencode(parts)
    context = {
        "page": page,
        "wanted": wanted,
        "events": sorted(EVENTS.items(), key=lambda one: str(one[1])),
        "outcomes": Outcome.choices,
        "query": f"?{query}" if query else "",
        "next_url": f"?{urlencode({**parts, 'after': page.next_key})}" if page.next_key else "",
        "first_url": f"?{query}" if after else "",
    }
    if is_fragment(request):
        here = urlencode({**parts, **({"after": after} if after else {})})
        return list_part(request, "audit/_trail.html", context, f"?{here}")
    return render(request, "audit/trail.html", context)


@access("audit.view")
@require_GET
def entry(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Everything known of one act."""
    try:
        row = queries.entry(pk)
    except AuditEntry.DoesNotExist:
        raise Http404 from None
    return render(request, "audit/entry.html", {"row": row})


@access("audit.export")
@require_GET
def export(request: HttpRequest, tenant: str, kind: str) -> HttpResponse:
    """The filtered log as a file, all pages. Handing it out is an entry of its own."""
    head = [
        _("Time"),
        _("Event type"),
        _("Event code"),
        _("Outcome"),
        _("User name"),
        _("Computer name"),
        _("Address"),
        _("Object type"),
        _("Object"),
        _("Before and after"),
        _("Details"),
        _("Request"),
        _("Session"),
        _("Log-in"),
    ]
    rows = _lines(queries.exported(queries.TrailFilter.of(request.GET)))
    name = f"{tenant_of(request).slug}-{_('audit-log')}-{timezone.localdate()}"
    if kind == "xlsx":
        return xlsx_file(f"{name}.xlsx", _("Audit log"), head, rows)
    return csv_file(f"{name}.csv", head, rows)


def _lines(rows: Iterator[queries.TrailRow]) -> Iterator[tuple[object, ...]]:
    for row in rows:
        yield (
            timezone.localtime(row.occurred_at).isoformat(" ", "milliseconds"),
            str(row.event),
            row.code,
            str(row.outcome.label),
            row.person,
            row.computer,
            row.address,
            row.object_type,
            row.object_label,
            "; ".join(f"{name}: {before} → {after}" for name, before, after in row.changes),
            "; ".join(f"{name}: {value}" for name, value in row.details),
            row.request_id,
            row.session,
            row.proof,
        )
