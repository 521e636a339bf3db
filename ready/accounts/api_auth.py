"""How operations of the API learn for whom they act.

    @router.get("/meters", auth=TokenAuth())
    @access("meters.view")
    def meters(request): ...

What the token may do is decided before the operation runs, from its `access`, by the middleware.
"""

from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security.base import AuthBase

from ready.accounts.api_tokens import Caller


class TokenAuth(AuthBase):
    """Bearer with an API token; the operation finds the caller in `request.auth`."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> Caller:
        caller = getattr(request, "caller", None)
        if not isinstance(caller, Caller):
            raise AuthenticationError
        return caller
