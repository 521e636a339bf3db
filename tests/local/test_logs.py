"""The children's logs."""

from pathlib import Path

from ready.local.logs import KEPT, ROTATE_AT_BYTES, rotate, tail


def test_large_logs_move_on_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    for number in range(KEPT + 2):
        log.write_bytes(bytes([48 + number]) * ROTATE_AT_BYTES)
        rotate(log)
        assert not log.exists()
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == [f"web.log.{number}" for number in range(1, KEPT + 1)]
    assert (tmp_path / "web.log.1").read_bytes()[:1] == bytes([48 + KEPT + 1])


def test_small_logs_stay(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    rotate(log)
    log.write_text("short")
    rotate(log)
    assert log.read_text() == "short"


def test_tail_is_the_end_of_this_start(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("of the former start\n")
    since = log.stat().st_size
    with log.open("ab") as file:
        file.write(b"one\ntwo\n\xff three\n")
    assert tail(log, 2, since) == "    two\n    \ufffd three"
    assert tail(log, 20, since).splitlines()[0] == "    one"
    assert tail(tmp_path / "none.log", 5) == ""
