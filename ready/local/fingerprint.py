"""Whether the database was prepared by this very code: a second start then skips what is done."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

_ELSEWHERE = ("tests", "benchmarks", "docs", "build", "node_modules")
_SYSTEM_IDENTIFIER_BYTES = 8  # the start of global/pg_control: random, fixed by initdb


def sources(root: Path) -> Iterator[Path]:
    """The checkout's Python files, translations and lock files, in a fixed order."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _ELSEWHERE
        )
        for name in sorted(files):
            if name.endswith((".py", ".lock", ".po")):
                yield Path(folder) / name


def fingerprint(root: Path, cluster: Path) -> str:
    """Changes with any source file and with the database cluster. Raises OSError."""
    digest = hashlib.sha256()
    with (cluster / "global/pg_control").open("rb") as control:
        digest.update(control.read(_SYSTEM_IDENTIFIER_BYTES))
    for path in sources(root):
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(root)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
