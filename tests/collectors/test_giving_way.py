"""Workers give way to the processes that answer pushes."""

import os

import pytest

from collectors.worker import NICENESS, give_way


def niceness(before: int, times: int) -> int:
    """How much a process gives way that began so and was told so often: a child of its own, since
    nobody may take niceness back."""
    child = os.fork()
    if child == 0:
        try:
            os.nice(before)
            for _ in range(times):
                give_way()
            os._exit(os.nice(0))
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("times", [1, 2])
def test_by_so_much_however_often_it_is_said(times: int) -> None:
    assert niceness(0, times) == max(NICENESS, os.nice(0))


def test_never_less_than_it_did_already() -> None:
    most = 19
    assert niceness(most, 1) == most
