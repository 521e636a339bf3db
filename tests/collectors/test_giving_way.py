"""Workers give way to the processes that answer pushes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.worker import NICENESS, give_way

SESSION = Path("/proc/self/autogroup")


def answer(ask: Callable[[], int]) -> int:
    """What a child of its own answers, since nobody may take niceness back."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(ask())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def niceness(before: int, times: int) -> int:
    """How much a process gives way that began so and was told so often."""

    def ask() -> int:
        os.nice(before)
        for _ in range(times):
            give_way()
        return os.nice(0)

    return answer(ask)


@pytest.mark.parametrize("times", [1, 2])
def test_by_so_much_however_often_it_is_said(times: int) -> None:
    assert niceness(0, times) == max(NICENESS, os.nice(0))


def test_never_less_than_it_did_already() -> None:
    most = 19
    assert niceness(most, 1) == most


@pytest.mark.skipif(not SESSION.exists(), reason="this system does not weigh sessions")
class TestSession:
    """Niceness counts within a session only, where the system weighs sessions."""

    def niceness(self) -> int:
        return int(SESSION.read_text().rpartition(" ")[2])

    def test_of_its_own_gives_way_with_it(self) -> None:
        def ask() -> int:
            os.setsid()
            give_way()
            return self.niceness()

        assert answer(ask) == NICENESS

    def test_of_a_starter_gives_way_too(self) -> None:
        def ask() -> int:
            os.setsid()
            worker = os.fork()
            if worker == 0:
                give_way()
                os._exit(0)
            os.waitpid(worker, 0)
            return self.niceness()

        assert answer(ask) == NICENESS

    def test_of_others_is_left_alone(self) -> None:
        def ask() -> int:
            os.setsid()
            if os.fork() == 0:
                worker = os.fork()
                if worker == 0:
                    give_way()
                    os._exit(0)
                os.waitpid(worker, 0)
                os._exit(0)
            os.wait()
            return self.niceness()

        assert answer(ask) == 0
