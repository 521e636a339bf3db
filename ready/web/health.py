"""Whether READY can do its work, as a load balancer and the supervisor ask.

Anybody may ask, so the answer names no server, role or address; the log does.
"""

import logging
from collections.abc import Callable

from celery import current_app
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from ready.policy import PUBLIC, access

log = logging.getLogger(__name__)
# Filled by the wiring: name → a check that returns "" or what is wrong.
CHECKS: dict[str, Callable[[], str]] = {}


@access(PUBLIC)
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@access(PUBLIC)
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Everything READY needs is there: 200; else 503 with the reason beside each part."""
    results = {name: _result(check) for name, check in CHECKS.items()}
    good = all(result == "ok" for result in results.values())
    return JsonResponse(
        {"status": "ok" if good else "not ready", **results}, status=200 if good else 503
    )


def _result(check: Callable[[], str]) -> str:
    try:
        return check() or "ok"
    except Error:
        connection.close()
        return "unknown: the database does not answer"


def database() -> str:
    """The database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        connection.close()
        log.warning("the database does not answer: %s", error)
        return "does not answer"
    return ""


def broker() -> str:
    """The broker takes a connection."""
    try:
        with current_app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, timeout=1.0)
    except (OperationalError, OSError) as error:
        log.warning("the broker does not answer: %s", error)
        return "does not answer"
    return ""
