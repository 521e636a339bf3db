"""The push endpoint: what concentrators call. docs/reference/push.md is its manual."""

import logging
import random
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from ninja import Router, Schema
from ninja.errors import AuthenticationError
from ninja.security.base import AuthBase

from collectors import tasks
from collectors.formats import EnvelopeError
from collectors.inflate import BadGzip, TooLarge, inflate
from collectors.limits import Buckets, Lanes
from collectors.pressure import Gauge
from collectors.services import Receipt, accept
from collectors.tokens import Bearer, authenticate
from ready.policy import DEVICE, access
from ready.web.middleware import request_id
from ready.web.problems import Problem

log = logging.getLogger(__name__)
router = Router(tags=["collectors"])
# What is kept must be what was parsed: a type cut short would read differently in the worker.
_LONGEST_TYPE = 120
# A utility's boxes like to push at the same second; as many wait as leave threads for others.
_MOST_WAITING = 3
buckets = Buckets(settings.PUSH_RATE_PER_MINUTE)
lanes = Lanes(settings.PUSH_AT_ONCE, most_waiting=_MOST_WAITING, patience_s=1.0)
gauge = Gauge()
_DATABASE_RETRY_S = 5


class CollectorAuth(AuthBase):
    """Bearer with the token, or Basic with any user and the token as password."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> Bearer | None:
        bearer = authenticate(request.headers.get("Authorization", ""))
        if bearer is None:
            raise AuthenticationError
        return bearer


class RejectedItem(Schema):
    """One item of the body that is no telegram; do not send it again."""

    index: int
    code: str
    detail: str


class PushAnswer(Schema):
    """What was taken. The telegrams are on disk when this arrives."""

    accepted: int
    rejected: list[RejectedItem]
    received_at: str


@router.post(
    "/collect/telegrams",
    auth=CollectorAuth(),
    response={200: PushAnswer},
    summary="Hand over telegrams",
    url_name="push",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string"}}
                for kind in (
                    "application/json",
                    "application/x-ndjson",
                    "text/plain",
                    "text/csv",
                    "application/octet-stream",
                )
            },
        },
        "responses": {
            str(status): {
                "description": text,
                "content": {"application/problem+json": {"schema": {"type": "object"}}},
            }
            for status, text in {
                400: "The body is no envelope; do not send it again",
                401: "The token is missing, wrong or revoked",
                413: "Too large; send smaller batches",
                415: "A content type that is not understood",
                429: "Too often; wait as Retry-After says and send it again",
                503: "Not now; wait as Retry-After says and send it again",
            }.items()
        },
    },
)
@access(DEVICE)
def push(request: HttpRequest) -> HttpResponse:
    """Take a batch in. Answers 200 only after the raw batch is committed; a bad telegram in a
    good envelope is listed in the answer, never an error."""
    bearer: Bearer = request.auth  # type: ignore[attr-defined]
    wait = buckets.wait((bearer.tenant_id, bearer.collector_id))
    if wait:
        raise Problem(429, "too_often", "This collector pushes too often.", retry_after=wait)
    refusal = gauge.refusal(bearer.tenant_id, bearer.collector_id)
    if refusal is not None:
        raise Problem(503, refusal.code, refusal.detail, retry_after=refusal.retry_after)
    if len(request.headers.get("Content-Type", "")) > _LONGEST_TYPE:
        raise Problem(415, "unsupported_type", "The Content-Type is too long.")
    with lanes.enter(bearer.tenant_id) as entered:
        if not entered:
            raise Problem(
                429,
                "busy",
                "Other pushes of this utility are being taken in.",
                retry_after=random.randint(1, 3),  # noqa: S311
            )
        receipt = _accept(request, bearer)
    if not receipt.repeated:
        tasks.ring_softly()
    return JsonResponse(receipt.answer)


def _accept(request: HttpRequest, bearer: Bearer) -> Receipt:
    body = _body(request)
    try:
        return accept(
            bearer=bearer,
            content_type=request.headers.get("Content-Type", ""),
            body=body,
            now=timezone.now(),
            request_id=request_id(),
        )
    except EnvelopeError as error:
        raise Problem(error.status, error.code, error.detail, at=error.at) from error


def database_away(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer to any call of the API while the database does not do its part: nothing was
    taken, so the sender keeps it and comes back."""
    log.warning("not taken: %s", error)
    return Problem(
        503, "database", "The database does not answer.", retry_after=_DATABASE_RETRY_S
    ).response()


def _body(request: HttpRequest) -> bytes:
    """The body, inflated; never more than the limits, whatever it claims about itself."""
    most = settings.PUSH_MAX_BODY_BYTES
    too_large = Problem(413, "too_large", f"The body may have {most} bytes; send smaller batches.")
    length: Any = request.headers.get("Content-Length")
    if length and length.isdigit() and int(length) > most:
        raise too_large
    raw = _sent(request, most + 1)
    if len(raw) > most:
        raise too_large
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return raw
    if encoding not in ("gzip", "x-gzip"):
        raise Problem(415, "unsupported_encoding", "Content-Encoding may be gzip or identity.")
    try:
        return inflate([raw], settings.PUSH_MAX_INFLATED_BYTES)
    except TooLarge as error:
        raise Problem(413, "too_large", str(error)) from error
    except BadGzip as error:
        raise Problem(400, "bad_gzip", str(error)) from error


def _sent(request: HttpRequest, most: int) -> bytes:
    """At most so many bytes of the body as sent.

    A body in chunks tells no length; Django then reads none. The server ends its input by itself
    (`wsgi.input_terminated`), so it may be read to its end.
    """
    meta = request.META
    if meta.get("wsgi.input_terminated") and not meta.get("CONTENT_LENGTH"):
        read: bytes = meta["wsgi.input"].read(most)
        return read
    return request.read(most)
