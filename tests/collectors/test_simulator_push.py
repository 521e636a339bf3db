"""The simulator's push client against a real HTTP server, and its command line."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from collectors.simulator import PushClient, PushRefused
from collectors.simulator.__main__ import main


class Receiver(ThreadingHTTPServer):
    """A stand-in for READY: answers as told, keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.tokens: list[str] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/v1/collect/telegrams"


class Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
        if status == 0:  # hang up without a word
            self.close_connection = True
            return
        self.server.bodies.append(body)
        self.server.tokens.append(self.headers["Authorization"])
        answer = b'{"accepted":1,"rejected":[]}'
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_batches_go_over_one_connection_with_the_token(receiver: Receiver) -> None:
    client = PushClient(receiver.url, "rdy_a_b")
    for number in range(3):
        assert client.push(b"%d" % number) == {"accepted": 1, "rejected": []}
    client.close()
    assert receiver.bodies == [b"0", b"1", b"2"]
    assert receiver.tokens == ["Bearer rdy_a_b"] * 3
    assert receiver.connections == 1


def test_it_comes_back_when_told_to_wait(receiver: Receiver) -> None:
    pauses: list[float] = []
    receiver.answers = [(429, {"Retry-After": "7"}), (503, {}), (500, {}), (200, {})]
    client = PushClient(receiver.url, "t", pause=pauses.append)
    client.push(b"x")
    client.close()
    assert pauses == [7.0, 1.0, 2.0]
    assert receiver.bodies == [b"x"] * 4


def test_a_broken_connection_is_opened_again(receiver: Receiver) -> None:
    pauses: list[float] = []
    receiver.answers = [(200, {}), (0, {}), (200, {})]
    client = PushClient(receiver.url, "t", pause=pauses.append)
    client.push(b"1")
    client.push(b"2")
    client.close()
    assert receiver.bodies == [b"1", b"2"]
    assert pauses == [0.5]
    assert receiver.connections == 2


def test_a_refused_batch_is_not_sent_again(receiver: Receiver) -> None:
    receiver.answers = [(401, {})]
    client = PushClient(receiver.url, "t")
    with pytest.raises(PushRefused, match="401"):
        client.push(b"x")
    client.close()
    assert receiver.bodies == [b"x"]


def test_no_address_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="is no http address"):
        PushClient("ready.example/collect", "t")


def test_the_command_writes_telegrams_and_keys(tmp_path: Path) -> None:
    out, keys = tmp_path / "air.ndjson", tmp_path / "keys.csv"
    arguments = ["--meters", "12", "--minutes", "1", "--out", str(out), "--keys", str(keys)]
    assert main(arguments) == 0
    items = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(items) > 12
    assert [item["timestamp"] for item in items] == sorted(item["timestamp"] for item in items)
    assert bytes.fromhex(items[0]["telegram"])[1] == 0x44
    lines = keys.read_text().splitlines()
    assert lines[0] == "manufacturer,number,meter_type,key"
    assert all(len(line.split(",")[3]) == 32 for line in lines[1:])


def test_the_command_pushes(receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--town", "birkelse", "--meters", "8", "--minutes", "1", "--post", receiver.url]
    assert main([*arguments, "--token", "secret"]) == 0
    assert "telegrams in" in capsys.readouterr().out
    bodies = [json.loads(body) for body in receiver.bodies]
    assert {body["gateway"] for body in bodies} == {"birkelse-1"}
    assert set(receiver.tokens) == {"Bearer secret"}


def test_the_command_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "nothing to do" in capsys.readouterr().err
    assert main(["--meters", "8", "--post", "http://127.0.0.1:9/x"]) == 2
    assert "no token for aalund-1, aalund-2, aalund-3" in capsys.readouterr().err
