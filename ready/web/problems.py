"""Errors of the API as problem+json (RFC 9457): what is wrong, where, and when to come back."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError

_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    413: "Too large",
    415: "Not understood",
    429: "Too many requests",
    503: "Not available",
}


class Problem(Exception):
    """An answer other than success. `code` is for programs, `detail` for people."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        at: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.at = at
        self.retry_after = retry_after

    def response(self) -> HttpResponse:
        """The problem as an HTTP answer; Retry-After in whole seconds."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": _TITLES.get(self.status, "Error"),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.at is not None:
            body["at"] = self.at
        response = JsonResponse(body, status=self.status, content_type="application/problem+json")
        if self.retry_after is not None:
            response["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            response["WWW-Authenticate"] = 'Bearer realm="READY"'
        return response


def install(api: NinjaAPI) -> None:
    """Make an API answer its errors this way."""

    @api.exception_handler(Problem)
    def on_problem(request: HttpRequest, error: Problem) -> HttpResponse:
        return error.response()

    @api.exception_handler(AuthenticationError)
    def on_stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return Problem(401, "token", "The token is missing, wrong or revoked.").response()
