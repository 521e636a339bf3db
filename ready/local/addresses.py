"""Connection URLs: one server, a role a process."""

from urllib.parse import quote, urlsplit, urlunsplit

from ready.local.errors import LocalError


def as_role(url: str, role: str, password: str) -> str:
    """The PostgreSQL URL with another user; server, database and options stay.

    Raises LocalError when it is not a PostgreSQL URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise LocalError("DATABASE_URL must begin with postgres://")
    server = parts.netloc.rpartition("@")[2]
    user = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}@{server}"))


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    user, at, server = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{server}"))
