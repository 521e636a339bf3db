"""Which ports READY can listen on."""

import socket

import pytest

from ready.local.errors import LocalError
from ready.local.ports import read_port, require_free


def test_busy_port_is_named_with_a_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LocalError, match=f"Port {port} is in use.*\n.*make run PORT=") as error:
            require_free(port)
    assert f"PORT={port}\n" not in str(error.value)
    require_free(port)


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "8000.0", "http", "८०००"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(LocalError, match="from 1 to 65535"):
        read_port(text)


def test_port() -> None:
    assert read_port("65535") == 65535
