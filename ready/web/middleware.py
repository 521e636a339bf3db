"""What every request gets: its client's address, an id for the logs, an answer not to be kept."""

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from ready.web import metrics
from ready.web.addresses import client_of, inside, networks

log = logging.getLogger("ready.access")
# Anything may stand where the method does; each new word would be a new series for ever.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
# Their address is a secret: who reads it in the logs could come in with it.
_SECRET_PATHS = frozenset({"accounts:invitation_link", "account_reset_password_from_key"})
_request_id: ContextVar[str] = ContextVar("request_id", default="-")


def request_id() -> str:
    """The running request's id, or "-" outside one."""
    return _request_id.get()


@contextmanager
def carrying(identity: str) -> Iterator[None]:
    """Let log lines carry the id of the request that this work comes from."""
    token = _request_id.set(identity)
    try:
        yield
    finally:
        _request_id.reset(token)


def carry(identity: str) -> None:
    """Go on under another id, until the surrounding `carrying` ends."""
    _request_id.set(identity)


# What a proxy says about the client; from anybody else it is a claim about oneself.
_SAID_BY_PROXIES = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
)


class ProxyMiddleware:
    """Makes REMOTE_ADDR the client's own, and strikes out what strangers say as if proxies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._trusted = networks(settings.TRUSTED_PROXIES)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        peer = meta.get("REMOTE_ADDR", "")
        if inside(peer, self._trusted):
            forwarded = meta.get("HTTP_X_FORWARDED_FOR", "")
            meta["REMOTE_ADDR"] = client_of(peer, forwarded, self._trusted)
        else:
            for name in _SAID_BY_PROXIES:
                meta.pop(name, None)
        return self.get_response(request)


class NotStoredMiddleware:
    """Pages are about people and their consumption: neither proxies nor browsers keep them, so
    that "back" after logging out shows nothing. Static files never come this far."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class RequestIdMiddleware:
    """Gives each request an id, tells it in the answer, and lets log lines carry it; then writes
    the one line that says what was asked and answered (never the query: it may name people)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        with carrying(secrets.token_hex(8)):
            response = self.get_response(request)
            response["X-Request-ID"] = _request_id.get()
            _tell(request, response, time.perf_counter() - began)
            return response


def _tell(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    match = request.resolver_match
    view = (match.view_name if match else "") or "-"
    method = request.method if request.method in _METHODS else "other"
    metrics.REQUESTS.labels(view, method, str(response.status_code)).observe(seconds)
    if view in ("live", "ready", "metrics"):
        return  # asked every few seconds, and of no interest when they answer
    path = f"/{match.route}" if match and view in _SECRET_PATHS else request.path
    log.info(
        "%s %s %d %.0f ms",
        request.method,
        path,
        response.status_code,
        seconds * 1000,
        extra={
            "client": request.META.get("REMOTE_ADDR", ""),
            "view": view,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
        },
    )


class RequestIdFilter(logging.Filter):
    """Adds `request_id` to each log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _request_id.get()
        return True
