"""Calls to the outside while a request holds no transaction.

A utility's request is one transaction (`ready.accounts.middleware`). A view that must ask somebody
outside, who may take seconds, says so with `result_of`: what it returns leads the middleware to end
the transaction unchanged, run the errand, and let the view begin again from the start, where
`result_of` knows the answer. So everything that allows the request is looked at on both ways, and a
view must change nothing before it has its answer.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse

T = TypeVar("T")
_TAKEN = object()
_ONE_ONLY = "a view may ask the outside once a request; this one asked again with its answer there"


class Errand(HttpResponse):
    """What a view returns that waits for an answer from the outside; no browser ever sees it."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(status=500)
        self.call = call


def result_of(request: HttpRequest, call: Callable[[], T]) -> "T | Errand":
    """What the call told, or the errand that the view has to return. One call a request; it
    returns its failures, touches no database, and raises only for defects.

    Raises RuntimeError where the view, begun again, asks for a second answer: what it would be
    given is the first one's.
    """
    if not hasattr(request, "errand_told"):
        return Errand(call)
    if request.errand_told is _TAKEN:
        raise RuntimeError(f"{request.path}: {_ONE_ONLY}")
    told: T = request.errand_told
    request.errand_told = _TAKEN
    return told


def run(request: HttpRequest, answer: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    """Answer a request, with its errand run between its two transactions.

    Raises RuntimeError where the second time ends in an errand again, which no browser may see.
    """
    response = answer(request)
    if isinstance(response, Errand):
        request.errand_told = response.call()  # type: ignore[attr-defined]
        response = answer(request)
        if isinstance(response, Errand):
            raise RuntimeError(f"{request.path}: {_ONE_ONLY}")
    return response
