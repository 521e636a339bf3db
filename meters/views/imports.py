"""Import of meters and customers: upload, columns, check, import, undo."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from meters.imports import jobs
from meters.imports.facts import FIELDS, GROUP_SEPARATOR
from meters.imports.reading import DECIMALS, ENCODINGS, SEPARATORS, Options, is_workbook
from meters.models import MeterImport
from meters.tasks import ring_softly
from ready.accounts.actors import actor_of
from ready.policy import access
from ready.web.lists import csv_file

SHOWN_ERRORS = 100
_SEPARATOR_WORDS = {";": ";", ",": ",", "|": "|", "\t": "Tab"}


def _job(pk: int) -> MeterImport:
    try:
        found: MeterImport = MeterImport.objects.get(pk=pk)
    except MeterImport.DoesNotExist:
        raise Http404 from None
    return found


@access("meters.import")
@require_GET
def imports(request: HttpRequest, tenant: str) -> HttpResponse:
    """A file to upload, and what was imported before."""
    return _imports(request)


def _imports(request: HttpRequest, error: str = "") -> HttpResponse:
    past = MeterImport.objects.defer("content", "errors", "made").order_by("-created_at")[:20]
    context = {
        "jobs": past,
        "error": error,
        "fields": [words for words, _names in FIELDS.values()],
        "group_separator": GROUP_SEPARATOR,
    }
    return render(request, "meters/imports.html", context, status=400 if error else 200)


@access("meters.import")
@require_POST
def upload(request: HttpRequest, tenant: str) -> HttpResponse:
    """Take a file in, and go on to its columns."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        return _imports(request, _("Choose a file first."))
    try:
        job = jobs.upload(
            name=file.name or "",
            content=file.read(),
            actor=actor_of(request),
            language=get_language() or "en",
        )
    except ValidationError as error:
        return _imports(request, error.messages[0])
    return redirect("meters:import", tenant, job.pk)


@access("meters.import")
@require_GET
def one(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """One import at the step it has come to; htmx asks again while it is worked on."""
    return _one(request, _job(pk))


def _one(request: HttpRequest, job: MeterImport, error: str = "") -> HttpResponse:
    context: dict[str, object] = {
        "job": job,
        "error": error,
        "working": job.state in jobs.WORK,
        "percent": 100 * job.done // job.rows if job.rows else 0,
        "errors": [
            (line, FIELDS[key][0] if key in FIELDS else "", value, words)
            for line, key, value, words in job.errors[:SHOWN_ERRORS]
        ],
        "wrong_rows": len({line for line, *_rest in job.errors}),
    }
    if "HX-Request" in request.headers:
        answer = render(request, "meters/_import_state.html", context)
        if job.state not in jobs.WORK:
            answer["HX-Refresh"] = "true"
        return answer
    if job.state == MeterImport.State.UPLOADED:
        options = Options.of(job.options)
        head, rows, trouble = jobs.first_rows(job)
        columns = [*options.columns, *([""] * len(head))][: len(head)]
        context |= {
            "columns": [
                (at, name, chosen, [row[at] if at < len(row) else "" for row in rows])
                for at, (name, chosen) in enumerate(zip(head, columns, strict=True))
            ],
            "fields": [(key, words) for key, (words, _names) in FIELDS.items()],
            "options": options,
            "separators": [(one, _SEPARATOR_WORDS[one]) for one in SEPARATORS],
            "encodings": [(one, one.removesuffix("-sig").upper()) for one in ENCODINGS],
            "decimals": DECIMALS,
            "workbook": is_workbook(bytes(job.content or b"")),
            "error": error or trouble,
        }
    return render(request, "meters/import.html", context, status=400 if error else 200)


@access("meters.import")
@require_POST
def choose(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """How the file is read and what its columns are; then it is checked, unless reread."""
    job = _job(pk)
    data = request.POST
    before = Options.of(job.options)
    columns = [
        value if (value := data.get(f"column{at}", "")) in FIELDS else ""
        for at in range(len(job.head))
    ]
    options = Options(
        data["separator"] if data.get("separator") in SEPARATORS else before.separator,
        data["encoding"] if data.get("encoding") in ENCODINGS else before.encoding,
        data["decimal"] if data.get("decimal") in DECIMALS else before.decimal,
        columns,
    )
    try:
        if job.state not in (MeterImport.State.UPLOADED, MeterImport.State.CHECKED):
            raise ValidationError(_("This import is at another step by now."))
        jobs.read_as(job=job, options=options)
        job.refresh_from_db()
        if "check" in data:
            jobs.start_check(job=job)
            transaction.on_commit(ring_softly)
    except ValidationError as error:
        return _one(request, job, error.messages[0])
    return redirect("meters:import", tenant, pk)


@access("meters.import")
@require_POST
def run(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Import what was checked."""
    job = _job(pk)
    try:
        jobs.start_import(job=job, actor=actor_of(request))
    except ValidationError as error:
        return _one(request, job, error.messages[0])
    transaction.on_commit(ring_softly)
    return redirect("meters:import", tenant, pk)


@access("meters.import")
@require_POST
def again(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Back to the columns of a file that was checked."""
    job = _job(pk)
    if job.state == MeterImport.State.CHECKED:
        jobs.read_as(job=job, options=Options.of(job.options))
    return redirect("meters:import", tenant, pk)


@access("meters.import")
@require_POST
def undo(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Take an import back."""
    job = _job(pk)
    try:
        jobs.undo(job=job, actor=actor_of(request))
    except ValidationError as error:
        return _one(request, job, error.messages[0])
    messages.success(request, _("The import is undone."))
    return redirect("meters:import", tenant, pk)


@access("meters.import")
@require_GET
def wrong(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """The failing rows, as they were, with what is wrong."""
    job = _job(pk)
    if not job.errors or job.content is None:
        raise Http404
    head, rows = jobs.wrong_rows(job)
    name = job.file_name.rpartition(".")[0] or job.file_name
    return csv_file(f"{name} - {_('failing rows')}.csv", head, rows)
