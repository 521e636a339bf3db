"""The embedded Valkey."""

import os
import signal
import time
from pathlib import Path

import redis

from ready.local.servers import run_folder
from ready.local.supervisor import Supervisor
from ready.local.valkey import Valkey
from tests.local.watching import wait_until


def test_a_message_outlives_a_killed_server(tmp_path: Path) -> None:
    data = tmp_path / "a folder"
    with run_folder() as run, Supervisor(tmp_path) as supervisor:
        server = Valkey(data, run.path)
        supervisor.start(server.prepare())
        with redis.Redis(unix_socket_path=str(server.socket)) as client:
            client.lpush("bells", "ring")
        time.sleep(1.1)  # written to disk each second
        child = supervisor.services[0].child
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        wait_until(child.ended)
        supervisor.tend()
        time.sleep(0.5)
        supervisor.tend()
        wait_until(server.answers)
        with redis.Redis(unix_socket_path=str(server.socket), decode_responses=True) as client:
            assert client.lrange("bells", 0, -1) == ["ring"]
            assert client.config_get("port") == {"port": "0"}
