"""The page for a request that failed: ours to mend, or a database that is away for a moment."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

_RETRY_S = "5"


def failed(request: HttpRequest) -> HttpResponse:
    """500; 503 with Retry-After when it was the database that did not answer."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return server_error(request)
    return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": _RETRY_S})
