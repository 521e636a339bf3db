"""The stand-in project as a fixture."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.watching import Standin


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[Standin]:
    """A stand-in whose data folder's path is long and has a space and a letter beyond ASCII."""
    deep = tmp_path / "a folder with a name that is long enough to be too long for a socket, å"
    deep.mkdir()
    project = Standin(deep / "data")
    yield project
    project.close()
