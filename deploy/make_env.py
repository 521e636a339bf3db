"""Writes the environment file of a new production server:
`python3 deploy/make_env.py HOST SMTP_URL > .env`.

Every secret is fresh and random. Keep the file safe: without READY_MASTER_KEY the meters' keys in
a backup cannot be opened.
"""

import base64
import secrets
import sys

# Safe inside a URL, where most of them end up.
PASSWORDS = (
    "POSTGRES_PASSWORD",
    "READY_OWNER_PASSWORD",
    "READY_APP_PASSWORD",
    "READY_MAINTENANCE_PASSWORD",
    "REDIS_PASSWORD",
    "READY_METRICS_TOKEN",
)


def lines(host: str, smtp: str = "") -> list[str]:
    """The file's lines for a server that people reach as `host`."""
    return [
        f"READY_HOST={host}",
        f"READY_SECRET_KEY={secrets.token_urlsafe(48)}",
        f"READY_MASTER_KEY={base64.b64encode(secrets.token_bytes(32)).decode()}",
        f"READY_AUDIT_KEY={base64.b64encode(secrets.token_bytes(32)).decode()}",
        *(f"{name}={secrets.token_urlsafe(32)}" for name in PASSWORDS),
        f"READY_SMTP_URL={smtp}",
        f"READY_MAIL_FROM=READY <ready@{host}>",
    ]


if __name__ == "__main__":
    if len(sys.argv) != 3 or "." not in sys.argv[1] or not sys.argv[2].startswith("smtp"):
        sys.exit("usage: make_env.py ready.example.org smtp://user:password@mail.example.org:587")
    print("\n".join(lines(sys.argv[1], sys.argv[2])))
