"""The secrets of one data folder: made at its first start, the same for ever after."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ready.local.errors import LocalError


@dataclass(frozen=True)
class Credentials:
    """What READY's processes must know and nobody else."""

    secret_key: str  # Django's: signs sessions
    master_key: str  # 32 bytes in base64: seals the meters' keys
    admin_password: str
    owner_password: str
    app_password: str
    maintenance_password: str


def generate() -> Credentials:
    """New random secrets."""
    return Credentials(
        secret_key=secrets.token_urlsafe(48),
        master_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        admin_password=secrets.token_urlsafe(24),
        owner_password=secrets.token_urlsafe(24),
        app_password=secrets.token_urlsafe(24),
        maintenance_password=secrets.token_urlsafe(24),
    )


def load_or_create(path: Path) -> Credentials:
    """The secrets in `path` (mode 0600), made when there are none. Raises LocalError.

    A damaged file stops the start: new secrets would make the sealed meter keys unreadable.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        created = generate()
        _write(path, json.dumps(asdict(created), indent=2) + "\n")
        return created
    except OSError as error:
        raise LocalError(f"{path} cannot be read: {error.strerror}") from error
    try:
        content = json.loads(text)
        names = [field.name for field in fields(Credentials)]
        return Credentials(**{name: str(content[name]) for name in names})
    except (ValueError, KeyError, TypeError) as error:
        raise LocalError(
            f"{path} is damaged ({error}). Restore it from a backup: "
            "the meters' keys in the database can only be opened with it."
        ) from error


def _write(path: Path, text: str) -> None:
    # Whole or not at all, also when the machine dies now.
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
