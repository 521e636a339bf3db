"""The demo's two files in the data folder: the log-in to print, and the collectors' tokens.

Both hold secrets, so only their owner may read them.
"""

import json
import os
from pathlib import Path
from typing import Any

LOGIN = "demo-login.json"  # {"email", "password", "others": [{"email", "password"}]}
FEED = "demo-feed.json"  # {"tokens": {collector's name: token}}


def read(folder: Path, name: str) -> dict[str, Any]:
    """A file's contents; {} when it is not there or not readable as JSON."""
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(folder: Path, name: str, contents: dict[str, Any]) -> None:
    """Replace a file in one step, readable by its owner alone."""
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f".{name}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(contents, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / name)
