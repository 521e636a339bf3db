"""Groups of meters as this app sees them: a name and a number.

The app above has the model; it tells here how its groups are found, because nothing below may know
it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """A group that a member may be limited to. size: its number of meters."""

    pk: int
    name: str
    size: int


_finders: list[Callable[[], Sequence[GroupChoice]]] = []


def find_groups_with(finder: Callable[[], Sequence[GroupChoice]]) -> None:
    """Told once, when the apps are ready. `finder` lists the current utility's groups, by name."""
    _finders[:] = [finder]


def group_choices() -> Sequence[GroupChoice]:
    """The current utility's groups of meters."""
    return [choice for finder in _finders for choice in finder()]
