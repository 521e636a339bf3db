"""Workers give way to the processes that answer pushes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors import courtesy
from collectors.courtesy import (
    NICENESS,
    give_way,
    give_way_as_a_session,
    give_way_no_more,
)

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

    def test_of_its_own_gives_way_until_it_ends(self) -> None:
        def ask() -> int:
            os.setsid()
            give_way_as_a_session()
            during = self.niceness()
            # Other tests' workers may have theirs changed, too.
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(courtesy, "_LAST_TRIES", 20)
                give_way_no_more()
            return 10 * during + self.niceness()

        assert answer(ask) == 10 * NICENESS

    def test_of_others_is_left_alone(self) -> None:
        """Of a shell, say, from which both a worker and a web server are started."""

        def ask() -> int:
            os.setsid()
            worker = os.fork()
            if worker == 0:
                give_way_as_a_session()
                os._exit(0)
            os.waitpid(worker, 0)
            return self.niceness()

        assert answer(ask) == 0

    def test_that_gives_way_more_already_is_left_alone(self) -> None:
        assert self.told("15", refusals=0) == []

    def test_tries_again_where_too_many_change_theirs_at_once(self) -> None:
        """The system lets one through in a tenth of a second, unless an administrator asks."""
        assert self.told("0", refusals=2) == [str(NICENESS)] * 3 + ["0"]

    def told(self, niceness: str, refusals: int) -> list[str]:
        """What a session that gives way so much is told from beginning to end."""
        told: list[str] = []

        class Session:
            def read_text(self) -> str:
                return f"/autogroup-1 nice {told[-1] if told else niceness}"

            def write_text(self, text: str) -> None:
                told.append(text)
                if len(told) <= refusals:
                    raise BlockingIOError

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "getsid", lambda _: os.getpid())
            patch.setattr(courtesy, "_SESSION", Session())
            give_way_as_a_session()
            give_way_no_more()
        return told
