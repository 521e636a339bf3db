"""Log lines as JSON, one object a line, for machines that search them."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Final

# What a record has by itself; anything else came as `extra` and is told under its own name.
# `request` is what Django hands along: written out, it has the whole query, which may name people.
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "request",
}
# Addresses that let in whoever has them: the mailed links of invitations and new passwords.
_SECRET: Final = re.compile(r"(/invitation/[^/\s]+/|/accounts/password/reset/key/)[^/\s]+")


class SecretsFilter(logging.Filter):
    """Strikes the secret of a mailed link out of any line, whoever writes it: Django itself tells
    the address of what it refuses, and programs that look through mails try links with HEAD."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        told = _SECRET.sub(r"\1…", said)
        if told != said:
            record.msg, record.args = told, ()
        return True


class JsonFormatter(logging.Formatter):
    """time (UTC), level, logger, request_id, message, what came as `extra`, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        for name, value in vars(record).items():
            if name not in _USUAL:
                told.setdefault(name, value)
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)
