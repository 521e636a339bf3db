"""From one of django-ninja's views back to the functions behind it."""

from collections.abc import Callable, Mapping
from typing import Any

from ninja.operation import PathView


def operations_of(view: Callable[..., Any]) -> Mapping[str, Callable[..., Any]] | None:
    """HTTP method → the function that answers it; None for a view that is not the API's.

    The library makes a view out of all operations of a path and keeps them in its closure only.
    """
    for cell in getattr(view, "__closure__", None) or ():
        if isinstance(cell.cell_contents, PathView):
            return {
                method: operation.view_func
                for operation in cell.cell_contents.operations
                for method in operation.methods
            }
    return None
