"""Whether READY can do its work, as a load balancer and the supervisor ask.

Anybody may ask, so the answer names no server, role or address; the log does. And anybody may ask
often: an answer is kept for a moment, so that a flood of questions opens one connection, not many.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping

from celery import current_app
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from ready.policy import PUBLIC, access

log = logging.getLogger(__name__)
# Filled by the wiring: name → a check that returns "" or what is wrong.
CHECKS: dict[str, Callable[[], str]] = {}
KEPT_S = 2.0


@access(PUBLIC)
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@access(PUBLIC)
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Everything READY needs is there: 200; else 503 with the reason beside each part."""
    results = _kept.results()
    good = all(result == "ok" for result in results.values())
    return JsonResponse(
        {"status": "ok" if good else "not ready", **results}, status=200 if good else 503
    )


class _Kept:
    """The process's last answer. Whoever finds it too old looks; the others wait for that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked_at = -math.inf
        self._results: Mapping[str, str] = {}

    def results(self) -> Mapping[str, str]:
        """What each check said, at most KEPT_S ago."""
        with self._lock:
            if not 0 <= time.monotonic() - self._looked_at < KEPT_S:
                self._results = {name: _result(check) for name, check in CHECKS.items()}
                self._looked_at = time.monotonic()
            return self._results

    def forget(self) -> None:
        """Look anew when next asked."""
        with self._lock:
            self._looked_at = -math.inf


_kept = _Kept()
forget = _kept.forget


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
