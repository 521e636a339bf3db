"""The outermost wall: what every answer carries, and what no request may exceed.

The content security policy and the frame, type and transport headers are Django's and django-csp's
(ready.settings); here stands what neither sets.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

# Nothing of READY needs any of these; a script that got in shall not have them either.
_NOTHING = (
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), "
    "fullscreen=(self), geolocation=(self), gyroscope=(), microphone=(), midi=(), payment=(), "
    "usb=(), xr-spatial-tracking=()"
)


class WallsMiddleware:
    """Headers for every answer; a body larger than any of READY's forms is refused unread."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.UPLOAD_MAX_BYTES:
            response = HttpResponse(
                _("This is larger than %(most)s MB, the most that READY takes.")
                % {"most": settings.UPLOAD_MAX_BYTES // (1024 * 1024)},
                status=413,
                content_type="text/plain; charset=utf-8",
            )
        else:
            response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", _NOTHING)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
