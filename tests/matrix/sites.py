"""Every address of the site, read from the URL configuration: pattern, parameters, methods, need.

Nothing here is written down twice: a page that somebody adds tomorrow is in the matrix by itself.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from ready.accounts.middleware import LIBRARY_ACCESS
from ready.policy import declared, declared_also
from ready.web.operations import operations_of

# What a library offers and READY does not: every address of it answers 404.
CLOSED = "closed"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Site:
    """A pattern of the URL configuration.

    parameters: the names in its address. needs: what `access` declared, for each method that it
    accepts; None where nothing was declared. also: further permissions that it wants.
    """

    name: str
    route: str
    parameters: tuple[str, ...]
    needs: dict[str, str | None]
    also: tuple[str, ...] = ()

    @property
    def namespace(self) -> str:
        return self.name.rpartition(":")[0] or self.name

    def path(self, values: dict[str, Any]) -> str:
        """The address with values for its parameters."""
        return "/" + _PARAMETER.sub(lambda found: str(values[found[2]]), self.route)


_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")


def methods_of(view: Callable[..., Any]) -> tuple[str, ...]:
    """The methods that a view accepts, as its require_… decorator says; GET and POST without."""
    made_from = getattr(view, "view_class", None)
    if made_from is not None:
        return tuple(method for method in METHODS if hasattr(made_from, method.lower()))
    return _told_methods(view) or ("GET", "POST")


def says_methods(view: Callable[..., Any]) -> bool:
    """Whether the view has a require_… decorator."""
    return bool(_told_methods(view))


def _told_methods(view: Callable[..., Any]) -> tuple[str, ...]:
    seen: Callable[..., Any] | None = view
    while seen is not None:
        for name, cell in zip(
            seen.__code__.co_freevars if hasattr(seen, "__code__") else (),
            getattr(seen, "__closure__", None) or (),
            strict=False,
        ):
            if name == "request_method_list":
                return tuple(method for method in cell.cell_contents if method in METHODS)
        seen = getattr(seen, "__wrapped__", None)
    return ()


def sites() -> list[Site]:
    """Every pattern, in the order of the configuration."""
    found = list(_walk(get_resolver(), "", ""))
    assert len(found) > 30, "the walk found next to nothing"
    return found


def _walk(resolver: URLResolver, route: str, namespace: str) -> Iterator[Site]:
    for entry in resolver.url_patterns:
        here = route + _text(entry)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, here, inner)
        else:
            yield _site(entry, here, namespace)


def _text(entry: URLPattern | URLResolver) -> str:
    if isinstance(entry.pattern, RoutePattern):
        return str(entry.pattern)
    # The few regular expressions of libraries: named groups become parameters.
    text = str(entry.pattern).lstrip("^").rstrip("$").replace("\\", "")
    return re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", text)


def _site(entry: URLPattern, route: str, namespace: str) -> Site:
    view = entry.callback
    name = f"{namespace}{entry.name}"
    operations = operations_of(view)
    needs: dict[str, str | None]
    if operations is not None:
        needs = {method: declared(function) for method, function in operations.items()}
    else:
        need = declared(view) or LIBRARY_ACCESS.get(name)
        if (need is None and view.__module__.startswith("allauth.")) or name == "api:api-root":
            need = CLOSED
        needs = dict.fromkeys(methods_of(view), need)
    parameters = tuple(m[1] for m in _PARAMETER.findall(route))
    return Site(name, route, parameters, needs, declared_also(view))
