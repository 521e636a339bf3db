"""A real gunicorn with our worker, a plain WSGI application behind it, and clients of all manners.

Nothing here is timed: slow clients are seen to be cut, and others to be answered meanwhile.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_django
from django.db import connection

from ready.web.patience import PatientWorker

APPLICATION = """
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/unread":
        body = b"unread"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


class Server:
    """gunicorn on a port of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / "echo.py").write_text(APPLICATION)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        root = Path(__file__).resolve().parents[2]
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "echo:application"),
                *("--config", "python:ready.serving", "--bind", f"127.0.0.1:{self.port}"),
            ],
            cwd=root,
            env=os.environ
            | {
                "PYTHONPATH": f"{folder}:{root}",
                # One thread: who holds it holds everybody up.
                "READY_WEB_WORKERS": "1",
                "READY_WEB_THREADS": "1",
                "READY_WEB_STOP_SECONDS": "5",
            },
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
                return
            except OSError:
                assert time.monotonic() < deadline
                assert self.process.poll() is None
                time.sleep(0.05)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def post(self, body: object, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", "/", body, headers)  # type: ignore[arg-type]
        answer = connection.getresponse()
        told = answer.status, answer.read()
        connection.close()
        return told


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("echo"))
    yield running
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 0


def test_bodies_arrive_whole(server: Server) -> None:
    large = os.urandom(3 << 20)
    assert server.post(large) == (200, large)
    assert server.post(iter([b"in ", b"chunks"])) == (200, b"in chunks")
    assert server.post(b"") == (200, b"")


def test_a_connection_serves_many_requests(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for number in range(3):
        connection.request("POST", "/", str(number))
        assert connection.getresponse().read() == str(number).encode()
    connection.close()


def test_requests_sent_together_are_answered_in_turn(server: Server) -> None:
    one = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
    with server.connect() as client:
        client.sendall(one + b"a" + one + b"b" + one.replace(b"Host", b"Connection: close\r\nHost"))
        client.sendall(b"c")
        told = b""
        while piece := client.recv(4096):
            told += piece
    assert [part[-1:] for part in told.split(b"HTTP/1.1 200 OK")[1:]] == [b"a", b"b", b"c"]


def test_a_sender_that_waits_for_leave_gets_it(server: Server) -> None:
    with server.connect() as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        assert client.recv(4096).startswith(b"HTTP/1.1 100 Continue")
        client.sendall(b"hello")
        told = b""
        while piece := client.recv(4096):
            told += piece
        assert told.endswith(b"hello")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_the_hopeless_are_told_at_once(server: Server, sent: bytes, status: bytes) -> None:
    with server.connect() as client:
        client.sendall(sent)
        assert client.recv(4096).split()[1] == status


@pytest.mark.slow
def test_who_is_slow_is_cut_and_holds_nobody_up(server: Server) -> None:
    slow = [server.connect() for _ in range(40)]
    for number, client in enumerate(slow):
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"
        client.sendall(head + (b"\r\nx" if number % 2 else b"X-Slow: "))
    # One thread, forty who would hold it: an honest client is answered all the same.
    assert server.post(b"honest") == (200, b"honest")
    for client in slow:
        assert client.recv(4096).startswith(b"HTTP/1.1 408")
        client.close()
    assert server.post(b"honest") == (200, b"honest")


def test_threads_begin_with_their_connection(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> None:
    worker = PatientWorker.__new__(PatientWorker)
    worker.cfg = SimpleNamespace(threads=3)
    all_here = threading.Barrier(3)

    def had_one() -> bool:
        there = connection.connection is not None
        connection.close()
        all_here.wait(30)
        return there

    with django_db_blocker.unblock(), worker.get_thread_pool() as pool:
        asked = [pool.submit(had_one) for _ in range(3)]
        assert [one.result() for one in asked] == [True, True, True]
