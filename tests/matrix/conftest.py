"""One world for all tests of a module: committed, and wiped when the module is done."""

from collections.abc import Iterator

import pytest

from tests.conftest import wipe
from tests.matrix.world import World, build


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[World]:
    """Two utilities and everybody at the door. Tests that change it roll back."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        try:
            yield build()
        finally:
            wipe()
