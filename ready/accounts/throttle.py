"""Slowing down who guesses passwords, without locking out whom they guess at.

A log-in from a browser that has logged in as this account before (it holds a signed cookie) is
counted by itself: strangers' failures do not touch it. All others are counted for the account and
the address together, for the address, and, far more generously, for the account: a password that
is tried from ever new addresses. Whoever is slowed down by the last can still come in with a known
browser or by a link sent to their mailbox.

A try counts before the password is looked at, so that many at once do not slip through together.
Waiting grows with each failure to a quarter of an hour and is never a lock. Rows are kept in
PostgreSQL: all processes see the same, and a restart forgives nobody.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.db import connection
from django.http import HttpRequest, HttpResponse

from ready.web.addresses import neighbourhood

COOKIE = "ready-device"
_COOKIE_AGE = 365 * 24 * 3600
_SALT = "ready.accounts.device"
_LONGEST_WAIT_S = 15 * 60
_FORGET_AFTER_S = 3600


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted together; after `free` failures the next try waits."""

    key: bytes
    free: int


def buckets(request: HttpRequest, email: str) -> Sequence[Bucket]:
    """Where a try to log in as `email` counts."""
    address = neighbourhood(request.META.get("REMOTE_ADDR", ""))
    if known(request, email):
        return (_bucket("device", email, request.COOKIES.get(COOKIE, ""), free=10),)
    return (
        _bucket("account and address", email, address, free=5),
        _bucket("address", address, free=50),
        _bucket("account", email, free=100),
    )


def wait(where: Sequence[Bucket]) -> int:
    """Count a try; seconds until the next may be made, 0 where this one may go ahead.

    A try that comes too early is not counted again: impatience costs nothing.
    """
    with connection.cursor() as cursor:
        for bucket in where:
            cursor.execute(
                """
                INSERT INTO accounts_loginthrottle AS t (bucket, failures, last_at)
                VALUES (%(key)s, 1, clock_timestamp())
                ON CONFLICT (bucket) DO UPDATE SET
                    failures = CASE
                        WHEN t.last_at < clock_timestamp() - interval '1 second' * %(forget)s THEN 1
                        ELSE t.failures + 1 END,
                    last_at = clock_timestamp()
                WHERE t.failures < %(free)s
                    OR t.last_at < clock_timestamp()
                        - interval '1 second'
                            * least(%(most)s, 2 ^ least(t.failures - %(free)s, 20))
                RETURNING failures
                """,
                {
                    "key": bucket.key,
                    "free": bucket.free,
                    "forget": _FORGET_AFTER_S,
                    "most": _LONGEST_WAIT_S,
                },
            )
            if cursor.fetchone() is None:
                return _left(bucket)
    return 0


def _left(bucket: Bucket) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT ceil(extract(epoch FROM last_at - clock_timestamp()
                + interval '1 second' * least(%s, 2 ^ least(failures - %s, 20))))::int
            FROM accounts_loginthrottle WHERE bucket = %s
            """,
            [_LONGEST_WAIT_S, bucket.free, bucket.key],
        )
        row = cursor.fetchone()
    return max(1, row[0]) if row else 1


def forgive(where: Sequence[Bucket]) -> None:
    """The password was right: this try was no failure.

    Only this try is taken back. Whoever knows one password must not clear an address, and with it
    the guesses at others, by logging in with it now and then.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE accounts_loginthrottle SET failures = greatest(failures - 1, 0)
               WHERE bucket = ANY(%s)""",
            [[bucket.key for bucket in where]],
        )


def sweep() -> int:
    """Forget what is long past; how many rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM accounts_loginthrottle
               WHERE last_at < clock_timestamp() - interval '1 second' * %s""",
            [_FORGET_AFTER_S],
        )
        return int(cursor.rowcount)


def known(request: HttpRequest, email: str) -> bool:
    """Whether this browser has logged in as this account before."""
    try:
        told = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_COOKIE_AGE)
    except signing.BadSignature:
        return False
    return isinstance(told, list) and _mark(email) in told


def remember(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Let the browser prove, next time, that it has logged in as this account before."""
    try:
        told = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_COOKIE_AGE)
    except signing.BadSignature:
        told = []
    mark = _mark(email)
    others = [one for one in told if one != mark][-4:] if isinstance(told, list) else []
    response.set_cookie(
        COOKIE,
        signing.dumps([*others, mark], salt=_SALT),
        max_age=_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )


def _mark(email: str) -> str:
    return _keyed("known account", email.strip().lower()).hex()[:32]


def _bucket(kind: str, *parts: str, free: int) -> Bucket:
    return Bucket(bucket_key(kind, *parts), free)


def bucket_key(kind: str, *parts: str) -> bytes:
    """Under which key of the table something is counted; nobody reads out of it what it was."""
    return _keyed(kind, *(part.strip().lower() for part in parts))


def _keyed(*parts: str) -> bytes:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hmac.new(settings.SECRET_KEY.encode(), text, hashlib.sha256).digest()
