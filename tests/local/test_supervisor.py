"""The supervisor with real servers and real signals."""

import os
import signal
import time
from urllib.request import urlopen

from tests.local.watching import Standin, alive, descendants, wait_until


def test_stop_is_in_reverse_order_quick_and_complete(standin: Standin) -> None:
    process = standin.up()
    below = descendants(process.pid)
    run = standin.run
    assert run.is_dir()
    assert any("postgres" in command for command in below.values())
    assert any("valkey" in command for command in below.values())
    with urlopen(f"http://127.0.0.1:{standin.child('first')['port']}/", timeout=5) as answer:
        assert int(answer.read()) == standin.child("first")["pid"]

    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=15)

    assert time.monotonic() - began < 10
    assert process.returncode == 0, errors
    assert "STOPPED" in output
    assert (standin.folder / "order").read_text().split() == ["second", "first"]
    assert alive(below) == {}
    assert not run.exists()
    log = (standin.folder / "logs/postgres.log").read_text()
    assert "database system is shut down" in log, "PostgreSQL was not stopped cleanly"


def test_data_outlive_a_killed_supervisor_and_nothing_else_does(standin: Standin) -> None:
    process = standin.up()
    with standin.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    standin.broker().set("kept", "yes")
    time.sleep(1.1)  # appendfsync everysec
    below = descendants(process.pid)
    first_run = standin.run

    # A session in the middle of a long statement must not hold its server up.
    busy = standin.connect()
    pid_of_busy = busy.info.backend_pid
    busy.pgconn.send_query(b"SELECT sum(n) FROM generate_series(1, 10000000000) AS n")
    process.kill()
    process.wait()

    wait_until(lambda: not alive(below), within_s=5.0)
    wait_until(lambda: not alive({pid_of_busy: ""}), within_s=5.0)
    busy.close()

    second = standin.up()
    with standin.connect() as connection:
        found = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert found == (1000,)
    assert standin.broker().get("kept") == "yes"
    assert not first_run.exists(), "the killed run's folder was not swept"
    second.send_signal(signal.SIGTERM)
    assert second.wait(15) == 0


def test_start_right_after_a_kill_waits_for_the_old_children(standin: Standin) -> None:
    standin.plan(bare=True, stubborn=["second"])
    first = standin.up()
    below = descendants(first.pid)
    first.kill()
    second = standin.up()
    assert alive(below) == {}
    second.send_signal(signal.SIGTERM)
    assert second.wait(15) == 0


def test_killed_children_come_back_without_their_former_children(standin: Standin) -> None:
    process = standin.up()
    below = descendants(process.pid)
    before = standin.child("first")
    with standin.connect() as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    server = next(pid for pid, command in below.items() if "/bin/postgres" in command)
    valkey = next(pid for pid, command in below.items() if "valkey-server" in command)
    guard = next(pid for pid, command in below.items() if "guard.py" in command)

    for pid in (before["pid"], server, valkey, guard):
        os.kill(pid, signal.SIGKILL)

    wait_until(lambda: standin.child("first")["pid"] != before["pid"])
    wait_until(lambda: not alive({before["own"]: ""}))
    wait_until(standin.accepts)
    with standin.connect() as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
    wait_until(lambda: "valkey-server" in " ".join(descendants(process.pid).values()))
    wait_until(lambda: (standin.run / "valkey.sock").exists() and standin.broker().ping())
    wait_until(lambda: "guard.py" in " ".join(descendants(process.pid).values()))

    # The new guard knows the children that were there before it.
    below = descendants(process.pid)
    process.kill()
    process.wait()
    wait_until(lambda: not alive(below), within_s=5.0)


def test_a_second_ctrl_c_kills(standin: Standin) -> None:
    standin.plan(bare=True, stubborn=["first", "second"])
    process = standin.up()
    below = descendants(process.pid)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=15)
    # Both children ignore SIGTERM and would have been given a second each.
    assert time.monotonic() - began < 2.0
    assert "second does not stop: killed" in output
    assert alive(below) == {}


def test_stubborn_children_do_not_hold_up_the_stop(standin: Standin) -> None:
    standin.plan(stubborn=["first", "second"])
    process = standin.up()
    below = descendants(process.pid)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert time.monotonic() - began < 10
    assert alive(below) == {}
    assert "database system is shut down" in (standin.folder / "logs/postgres.log").read_text()


def test_a_failed_step_shows_its_last_lines_and_stops_the_rest(standin: Standin) -> None:
    standin.plan(bare=True, broken="print('the reason'); raise SystemExit(3)")
    process = standin.start()
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "broken ended with code 3" in errors
    assert "the reason" in errors
    assert str(standin.folder / "logs/broken.log") in errors
    assert "UP" not in output
    assert (standin.folder / "order").read_text().split() == ["second", "first"]


def test_a_stop_during_the_start_is_heeded(standin: Standin) -> None:
    standin.plan(bare=True, broken="import time; print('in it', flush=True); time.sleep(600)")
    process = standin.start()
    log = standin.folder / "logs/broken.log"
    wait_until(lambda: log.exists() and "in it" in log.read_text())
    below = descendants(process.pid)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=15)
    assert "STOPPING" in output
    assert alive(below) == {}


def test_one_supervisor_a_data_folder(standin: Standin) -> None:
    standin.plan(bare=True)
    first = standin.up()
    second = standin.start()
    _, errors = second.communicate(timeout=10)
    assert second.returncode == 1
    assert f"READY runs already at the stand-in (process {first.pid}" in errors
    assert "READY_DATA_DIR=" in errors
    assert first.poll() is None


def test_given_servers_are_used_and_left_alone(standin: Standin) -> None:
    lender = standin.up()
    borrower = Standin(standin.folder.with_name("borrower"))
    borrower.plan(
        DATABASE_URL=(standin.folder / "database").read_text(),
        REDIS_URL=(standin.folder / "redis").read_text(),
    )
    process = borrower.up()
    try:
        names = " ".join(descendants(process.pid).values())
        assert "/bin/postgres" not in names
        assert "valkey-server" not in names
        assert not (borrower.folder / "postgres").exists()
    finally:
        borrower.close()
    assert standin.accepts()
    assert lender.poll() is None
