"""When a start may skip what the last one did."""

from pathlib import Path

import pytest

from ready.local.fingerprint import fingerprint, sources
from ready.local.programs import ROOT


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    folder = tmp_path / "postgres"
    (folder / "global").mkdir(parents=True)
    (folder / "global/pg_control").write_bytes(b"identity" + b"changes with each checkpoint")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    for name in ("app/models.py", "tests/test_app.py", ".venv/lib.py", "page.html", "a.lock"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_it_is_the_code_and_the_locks(root: Path) -> None:
    assert [path.relative_to(root).as_posix() for path in sources(root)] == [
        "a.lock",
        "app/models.py",
    ]


def test_the_own_checkout_is_covered() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in sources(ROOT)}
    assert {"ready/settings.py", "meters/migrations/0001_initial.py", "requirements.lock"} <= names
    assert not any(name.startswith((".venv", "tests")) for name in names)


def test_it_changes_with_code_and_cluster_only(root: Path, cluster: Path) -> None:
    first = fingerprint(root, cluster)
    (root / "page.html").write_text("new")
    (cluster / "global/pg_control").write_bytes(b"identity" + b"another checkpoint")
    assert fingerprint(root, cluster) == first

    (root / "app/models.py").write_text("new")
    second = fingerprint(root, cluster)
    (root / "app/models.py").rename(root / "app/views.py")
    third = fingerprint(root, cluster)
    (cluster / "global/pg_control").write_bytes(b"IDENTITY")
    fourth = fingerprint(root, cluster)
    assert len({first, second, third, fourth}) == 4
