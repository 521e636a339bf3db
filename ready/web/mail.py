"""Where mail goes: Django's settings for the address in READY_SMTP_URL."""

from urllib.parse import parse_qs, unquote, urlsplit


def smtp(url: str) -> dict[str, object]:
    """Settings for smtp://user:password@host:587 (STARTTLS; `?tls=off` for a relay on the same
    machine) or smtps://…:465 (TLS from the start). Raises ValueError, naming what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("must look like smtp://user:password@host:587 or smtps://…:465")
    tls = parse_qs(parts.query).get("tls", ["on"])[-1]
    if tls not in ("on", "off"):
        raise ValueError("tls may be on or off")
    implicit = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if implicit else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit,
        "EMAIL_USE_TLS": not implicit and tls == "on",
        "EMAIL_TIMEOUT": 10,
    }
