"""The web server's worker: gunicorn's threads, with requests gathered before a thread sees them.

A thread is a scarce thing; one that reads from a socket belongs to whoever holds the other end.
Here the event loop gathers each request whole (`Arrival`), cuts off who is too slow, and hands
over bytes: no thread ever waits for a client to send. A thousand slow connections then cost a
thousand small buffers. docs/decisions/0014-gathered-requests.md has the reasons.
"""

import errno
import resource
import selectors
import socket
import struct
import threading
import time
from concurrent import futures
from contextlib import suppress
from functools import partial
from typing import Any, Final

from django.db import DatabaseError, connection
from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

from ready.web.arrival import Arrival, Stage

# The largest upload; each endpoint has limits of its own, which say what is wrong.
MAX_BODY: Final = 32 * 1024 * 1024
# What all requests on their way in may hold together, in one process.
MAX_GATHERED: Final = 64 * 1024 * 1024
# A reader that takes nothing for so long loses its answer.
SEND_S: Final = 20
_LOOK_S: Final = 0.25
_LINGER_S: Final = 1.0
# How long an ended connection is read empty, so that its last words are not lost to a reset.
_PARTING_S: Final = 1.0
_PIECE: Final = 64 * 1024
_OPENING_S: Final = 2.0

_REFUSALS: Final = {
    Stage.HEAD_TOO_LARGE: "431 Request Header Fields Too Large",
    Stage.BODY_TOO_LARGE: "413 Content Too Large",
}
_TOO_SLOW: Final = "408 Request Timeout"
_TOO_MUCH: Final = "503 Service Unavailable"


class Gathered:
    """A request that is all here, in the place of a socket: it ends, and never blocks."""

    def __init__(self, data: bytearray) -> None:
        self._data = memoryview(bytes(data))

    def recv(self, size: int) -> bytes:
        """The next bytes; none are left at the end."""
        piece, self._data = self._data[:size], self._data[size:]
        return bytes(piece)

    def rest(self) -> bytes:
        """What has not been read."""
        return self.recv(len(self._data))


class Connection(TConn):  # type: ignore[misc]
    """A client's connection; `arrival` is the request that it is sending."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.initialized = True  # nothing to negotiate: TLS ends at the proxy
        self.arrival = Arrival(MAX_BODY)
        self.source = Gathered(bytearray())
        self.since = 0.0
        self.patience_s = 0.0  # for the first byte
        self.queued = 0  # bytes of a whole request that is with the threads


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, fed with whole requests."""

    def init_process(self) -> None:
        """Begin, with room for as many connections as the configuration allows."""
        self._arriving: set[Connection] = set()
        self._parting: dict[Connection, float] = {}
        self._gathered = 0
        self._looked = 0.0
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self.cfg.worker_connections + 256
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        super().init_process()

    def get_thread_pool(self) -> futures.ThreadPoolExecutor:
        """Threads that have begun, each with its connection to the database."""
        pool = futures.ThreadPoolExecutor(max_workers=self.cfg.threads)
        all_here = threading.Barrier(self.cfg.threads)
        for _ in range(self.cfg.threads):
            pool.submit(_connect, all_here)
        return pool

    def accept(self, listener: socket.socket) -> None:
        """Take a connection in, and wait for its request here."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        # The kernel ends a send() that gets nowhere; a timeout of Python's would be undone by
        # setblocking().
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_S, 0))
        self.nr_conns += 1
        conn = Connection(self.cfg, sock, client, listener.getsockname())
        self._gather(conn, b"", Arrival(MAX_BODY).allowance_s())

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """After an answer: the next request of the connection, or its end."""
        self._forget(conn)
        try:
            goes_on = not fs.cancelled() and bool(fs.result())
            if not goes_on or not self.alive:
                self._part(conn)
                return
            # Reading a body can take in the beginning of the next request.
            rest = conn.parser.unreader.take_buffered() + conn.source.rest()
            self._gather(conn, rest, self.cfg.keepalive)
        except Exception:
            self._drop(conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """Cut who is too slow; called by gunicorn's loop on every turn."""
        now = time.monotonic()
        if not force and now - self._looked < _LOOK_S:
            return
        self._looked = now
        for conn in list(self._arriving):
            waited = now - conn.since
            if not conn.arrival.begun:
                patience = conn.patience_s if self.alive else min(conn.patience_s, _LINGER_S)
                if force or waited > patience:
                    self._drop(conn)
            elif force or waited > conn.arrival.allowance_s():
                self._refuse(conn, _TOO_SLOW)
        for conn, until in list(self._parting.items()):
            if force or now > until:
                self._drop(conn)

    def _gather(self, conn: Connection, rest: bytes, patience_s: float) -> None:
        conn.arrival = Arrival(MAX_BODY)
        conn.since = time.monotonic()
        conn.patience_s = patience_s
        conn.sock.setblocking(False)
        self._arriving.add(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_readable, conn))
        if rest:
            self._take(conn, rest)

    def _on_readable(self, conn: Connection, sock: socket.socket) -> None:
        try:
            piece = sock.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            piece = b""
        if piece:
            self._take(conn, piece)
        else:
            self._drop(conn)

    def _take(self, conn: Connection, piece: bytes) -> None:
        arrival = conn.arrival
        if not arrival.begun:
            conn.since = time.monotonic()
        told = arrival.expects_continue
        self._gathered += len(piece)
        stage = arrival.feed(piece)
        if stage is Stage.COMPLETE:
            self._let_go(conn)
            # It still takes its room: threads that wait for the database take none away.
            conn.queued = len(arrival.data)
            self._gathered += conn.queued
            conn.source = Gathered(arrival.data)
            conn.parser = http.get_parser(self.cfg, conn.source, conn.client)
            conn.arrival = Arrival(MAX_BODY)
            self.enqueue_req(conn)
        elif stage in _REFUSALS:
            self._refuse(conn, _REFUSALS[stage])
        elif self._gathered > MAX_GATHERED:
            self._refuse(conn, _TOO_MUCH)
        elif arrival.expects_continue and not told:
            _say(conn.sock, b"HTTP/1.1 100 Continue\r\n\r\n")

    def _let_go(self, conn: Connection) -> None:
        if conn in self._arriving:
            self._arriving.discard(conn)
            self._gathered -= len(conn.arrival.data)
            self.poller.unregister(conn.sock)

    def _forget(self, conn: Connection) -> None:
        self._gathered -= conn.queued
        conn.queued = 0

    def _refuse(self, conn: Connection, status: str) -> None:
        retry = "Retry-After: 30\r\n" if status == _TOO_MUCH else ""
        _say(
            conn.sock,
            f"HTTP/1.1 {status}\r\nConnection: close\r\n{retry}Content-Length: 0\r\n\r\n".encode(),
        )
        self._part(conn)

    def _part(self, conn: Connection) -> None:
        """End a connection as RFC 9112, 9.6 wants it, without waiting: gunicorn's own way would
        hold up the loop for as long as the client likes, up to two seconds."""
        self._let_go(conn)
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_last, conn))
        except OSError:
            self._drop(conn)
            return
        self._parting[conn] = time.monotonic() + _PARTING_S

    def _on_last(self, conn: Connection, sock: socket.socket) -> None:
        try:
            gone = not sock.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            gone = True
        if gone:
            self._drop(conn)

    def _drop(self, conn: Connection) -> None:
        self._let_go(conn)
        self._forget(conn)
        if self._parting.pop(conn, None) is not None:
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()


def _connect(all_here: threading.Barrier) -> None:
    """Open the thread's connection to the database before a request waits for it.

    The thread is held until each has come here, since a pool gives what is next to whichever is
    free; not for long, so that a database that does not answer keeps no request from being told.
    """
    with suppress(DatabaseError, threading.BrokenBarrierError):
        connection.ensure_connection()
        all_here.wait(_OPENING_S)


def _say(sock: socket.socket, text: bytes) -> None:
    """Send a few bytes if they go at once; who does not listen misses them."""
    try:
        sock.send(text)
    except OSError:
        return
