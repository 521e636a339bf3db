"""Is the port free? Asked before anything is started."""

import errno
import socket

from ready.local.errors import LocalError

HOST = "127.0.0.1"


def read_port(text: str) -> int:
    """The port number in `text`. Raises LocalError."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise LocalError(f"PORT={text}: a port is a number from 1 to 65535, such as PORT=8001.")
    return int(text)


def require_free(port: int) -> None:
    """Raise LocalError, saying what to do, when READY could not listen on the port."""
    with socket.socket() as probe:
        # As gunicorn does: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"Port {port} is in use by another program."
            elif error.errno == errno.EACCES:
                reason = f"Port {port} may not be used by this account: {error.strerror}."
            else:
                reason = f"Port {port} cannot be used: {error.strerror}."
            other = port + 1 if 1024 <= port < 65535 else 8001
            raise LocalError(f"{reason}\nChoose another: make run PORT={other}") from None
