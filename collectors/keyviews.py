"""Meters → Key doctor and Import keys; a meter's Key tab. A key goes in and never comes out."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collectors import keydoctor
from collectors.keytrials import preview_and_try, try_stored
from meters import keyimports
from meters.formats.keyfiles import LARGEST_FILE, MOST_ROWS, KeyFileError
from meters.keyimports import FAULTY, IMPORTABLE, Choices, Finding
from meters.models import KeyImport, KeyImportRow, Meter, MeterKey
from meters.queries import meter_page
from meters.services import set_key as store_key
from ready.accounts.actors import actor_of
from ready.policy import access
from ready.web.lists import ListState, is_fragment, list_part

FILE_PROBLEMS: dict[str, Promise] = {
    "empty": gettext_lazy("The file is empty."),
    "too_large": gettext_lazy("The file, or what it unpacks to, is too large."),
    "unknown": gettext_lazy("This is no KEM, KEM2 or CSV file."),
    "damaged": gettext_lazy("The file is damaged; fetch it once more."),
    "password": gettext_lazy("The password does not open this file."),
    "password_missing": gettext_lazy("This file needs its password."),
    "too_many": gettext_lazy("The file has too many lines; split it."),
    "columns": gettext_lazy(
        "The first line must name the columns “serial number” and “key”, separated by semicolons, "
        "commas or tabs."
    ),
    "forbidden": gettext_lazy("The file contains a DTD or entities, which no key file needs."),
    "members": gettext_lazy("The archive is empty or has too many files."),
}
FINDINGS: dict[Finding, Promise] = {
    Finding.NEW: gettext_lazy("First key of this meter"),
    Finding.REPLACES: gettext_lazy("Replaces the key in force"),
    Finding.SAME: gettext_lazy("The meter has this key already"),
    Finding.UNKNOWN: gettext_lazy("The meter is not registered"),
    Finding.SHARED: gettext_lazy("Another meter has the same key"),
    Finding.TWICE: gettext_lazy("The meter stands in the file twice"),
    Finding.NUMBER: gettext_lazy("A serial number has 8 digits"),
    Finding.NO_KEY: gettext_lazy("The line has no key"),
    Finding.BAD_KEY: gettext_lazy("A key has 32 hexadecimal digits"),
}
_SHOWN = 500


@access("keys.view_state")
@require_GET
def doctor(request: HttpRequest, tenant: str) -> HttpResponse:
    """Every meter that cannot be read, by reason, with what to do."""
    state = ListState.parse(
        request.GET, keydoctor.LIST_COLUMNS, sort=keydoctor.DEFAULT_SORT, filters=("show",)
    )
    counts = keydoctor.counts()
    show = state.filters.get("show", "")
    ailment = keydoctor.BY_KEY.get(show)
    context = {
        "page": keydoctor.patients(state, counts),
        "state": state,
        "pane": [
            (_("All that cannot be read"), counts[""], state.url(show=""), not ailment),
            *(
                (one.label, counts[one.key], state.url(show=one.key), one.key == show)
                for one in keydoctor.AILMENTS
            ),
        ],
        "shown": ailment.label if ailment else _("All that cannot be read"),
        "cure": ailment.cure if ailment else "",
    }
    if is_fragment(request):
        return list_part(request, "collectors/_doctor.html", context, state.here)
    return render(request, "collectors/doctor.html", context)


@access("keys.import")
@require_GET
def imports(request: HttpRequest, tenant: str) -> HttpResponse:
    """The form for a file, and the imports made so far."""
    return _imports(request)


def _imports(request: HttpRequest, problem: str = "") -> HttpResponse:
    context = {
        "imports": KeyImport.objects.order_by("-created_at", "-pk")[:50],
        "problem": problem,
        "largest_mb": LARGEST_FILE // (1024 * 1024),
        "most_rows": MOST_ROWS,
    }
    return render(request, "collectors/key_imports.html", context, status=422 if problem else 200)


@access("keys.import")
@sensitive_post_parameters()
@sensitive_variables("password", "content")
@require_POST
def upload(request: HttpRequest, tenant: str) -> HttpResponse:
    """Read a file into a preview; nothing is imported yet."""
    file = request.FILES.get("file")
    if file is None:
        return _imports(request, _("Choose a file first."))
    if file.size is None or file.size > LARGEST_FILE:
        return _imports(request, str(FILE_PROBLEMS["too_large"]))
    content, password = file.read(), request.POST.get("password", "")[:200]
    try:
        made = preview_and_try(
            content=content,
            password=password,
            file_name=_plain_name(file.name or ""),
            actor=actor_of(request),
        )
    except KeyFileError as error:
        return _imports(request, str(FILE_PROBLEMS[error.code]))
    return redirect("keys:import", tenant, made.pk)


def _plain_name(name: str) -> str:
    """What people know the file by; it never becomes a path."""
    return "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable())[:120]


@access("keys.import")
@require_GET
def import_page(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A preview with what was found of each line, or what an import became."""
    return _import_page(request, pk)


def _import_page(request: HttpRequest, pk: int, problem: str = "") -> HttpResponse:
    try:
        shown = KeyImport.objects.get(pk=pk)
    except KeyImport.DoesNotExist:
        raise Http404 from None
    rows = list(KeyImportRow.objects.filter(of_import=shown).order_by("line"))
    lines = [_line(row) for row in rows]
    # What needs somebody first.
    lines.sort(key=lambda line: (line["level"] == "fine", line["level"] != "alarm"))
    counts = [
        (label, sum(row.finding == finding for row in rows)) for finding, label in FINDINGS.items()
    ]
    findings = {Finding(row.finding) for row in rows}
    context = {
        "shown": shown,
        "lines": lines[:_SHOWN],
        "more": max(0, len(lines) - _SHOWN),
        "total": len(rows),
        "counts": [(label, count) for label, count in counts if count],
        "stored": sum(row.version is not None for row in rows),
        "ask_register": Finding.UNKNOWN in findings,
        "ask_shared": Finding.SHARED in findings,
        "ask_leave_out": bool(findings & (FAULTY | {Finding.UNKNOWN})),
        "unfit": sum(row.tried > 0 and row.opened == 0 for row in rows),
        "fit": sum(row.opened > 0 for row in rows),
        "problem": problem,
    }
    return render(request, "collectors/key_import.html", context, status=422 if problem else 200)


def _line(row: KeyImportRow) -> dict[str, Any]:
    finding = Finding(row.finding)
    unfit = row.tried > 0 and row.opened == 0
    if finding in FAULTY or unfit:
        level = "alarm"
    elif finding in IMPORTABLE or finding is Finding.SAME:
        level = "fine"
    else:
        level = "attention"
    return {"row": row, "words": FINDINGS[finding], "level": level, "unfit": unfit}


def _found_or_404(action: Any, **arguments: Any) -> Any:
    try:
        return action(**arguments)
    except KeyImport.DoesNotExist:
        raise Http404 from None


@access("keys.import")
@require_POST
def apply(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Import the previewed file: all of it, or nothing."""
    choices = Choices(
        register="register" in request.POST,
        shared="shared" in request.POST,
        leave_out="leave_out" in request.POST,
    )
    try:
        stored = _found_or_404(keyimports.apply, pk=pk, choices=choices, actor=actor_of(request))
    except ValidationError as error:
        return _import_page(request, pk, error.messages[0])
    messages.success(
        request,
        ngettext(
            "%(count)s key was stored. Telegrams that waited for it are being read now.",
            "%(count)s keys were stored. Telegrams that waited for them are being read now.",
            stored,
        )
        % {"count": stored},
    )
    return redirect("keys:import", tenant, pk)


@access("keys.import")
@require_POST
def take_back(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Undo an import."""
    try:
        gone = _found_or_404(keyimports.take_back, pk=pk, actor=actor_of(request))
    except ValidationError as error:
        return _import_page(request, pk, error.messages[0])
    messages.success(
        request,
        ngettext("%(count)s key was taken back.", "%(count)s keys were taken back.", gone)
        % {"count": gone},
    )
    return redirect("keys:import", tenant, pk)


@access("keys.import")
@require_POST
def give_up(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Throw a preview away."""
    try:
        _found_or_404(keyimports.give_up, pk=pk, actor=actor_of(request))
    except ValidationError as error:
        return _import_page(request, pk, error.messages[0])
    messages.success(request, _("The preview was thrown away."))
    return redirect("keys:imports", tenant)


def _meter(pk: int) -> Meter:
    try:
        found: Meter = Meter.objects.get(pk=pk)
    except Meter.DoesNotExist:
        raise Http404 from None
    return found


@access("keys.view_state")
@require_GET
def meter_key(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A meter's Key tab: which keys came when, and whether the newest opens what it sends."""
    return _meter_key(request, pk)


def _meter_key(request: HttpRequest, pk: int, problem: str = "") -> HttpResponse:
    meter = _meter(pk)
    context = {
        "page": meter_page(pk, timezone.now()),
        "tab": "key",
        "keys": MeterKey.objects.filter(meter=meter)
        .order_by("-version")
        .values("version", "created_at"),
        "trial": try_stored(meter),
        "problem": problem,
    }
    return render(request, "collectors/meter_key.html", context, status=422 if problem else 200)


@access("keys.import")
@sensitive_post_parameters()
@sensitive_variables("told", "key")
@require_http_methods(["POST"])
def set_key(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Give one meter a key that was typed in."""
    meter = _meter(pk)
    told = "".join(request.POST.get("key", "").split())[:100]
    try:
        key = bytes.fromhex(told)
    except ValueError:
        key = b""
    if len(key) != 16:
        return _meter_key(request, pk, str(FINDINGS[Finding.BAD_KEY]))
    store_key(meter=meter, key=key, actor=actor_of(request))
    messages.success(request, _("The key was stored. Telegrams that waited are being read now."))
    return redirect("keys:meter", tenant, pk)
