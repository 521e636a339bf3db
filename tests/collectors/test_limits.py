"""A utility's pushes take turns; another's do not notice."""

import threading

from collectors.limits import Lanes


def test_only_so_many_are_inside_and_others_are_free() -> None:
    lanes = Lanes(1, most_waiting=1, patience_s=0, clock=lambda: 0.0)
    with lanes.enter("one") as first, lanes.enter("one") as second, lanes.enter("other") as third:
        assert (first, second, third) == (True, False, True)
    with lanes.enter("one") as again:
        assert again


class Clock:
    """A clock that is put forward by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def worked(lanes: Lanes, clock: Clock, who: str, seconds: float) -> bool:
    """Whether `who` came in; it then works so long."""
    with lanes.enter(who) as entered:
        clock.now += seconds
    return entered


def test_in_company_each_rests_as_long_as_it_has_worked() -> None:
    clock = Clock()
    lanes = Lanes(1, most_waiting=3, patience_s=0, clock=clock)
    assert worked(lanes, clock, "quiet", 0.0)
    assert worked(lanes, clock, "loud", 0.5)
    clock.now += 0.4
    assert not worked(lanes, clock, "loud", 0.5)
    assert worked(lanes, clock, "quiet", 0.2)
    assert worked(lanes, clock, "loud", 0.5)


def test_a_long_stall_is_no_long_rest() -> None:
    clock = Clock()
    lanes = Lanes(1, most_waiting=3, patience_s=0, clock=clock)
    assert worked(lanes, clock, "quiet", 0.0)
    assert worked(lanes, clock, "loud", 9.0)
    clock.now += 0.4
    assert not worked(lanes, clock, "loud", 0.1)
    clock.now += 0.2
    assert worked(lanes, clock, "loud", 0.1)


def test_alone_nobody_rests() -> None:
    clock = Clock()
    lanes = Lanes(1, most_waiting=3, patience_s=0, clock=clock)
    assert worked(lanes, clock, "gone", 0.0)
    assert worked(lanes, clock, "loud", 11.0)
    assert all(worked(lanes, clock, "loud", 0.5) for _ in range(3))


def test_who_rests_comes_in_by_itself() -> None:
    lanes = Lanes(1, most_waiting=1, patience_s=30)
    with lanes.enter("quiet"):
        pass
    for _ in range(3):
        with lanes.enter("loud") as entered:
            assert entered


def test_who_waits_comes_in_when_one_leaves() -> None:
    lanes = Lanes(1, most_waiting=1, patience_s=30)
    came = threading.Event()

    def second() -> None:
        with lanes.enter("one") as entered:
            if entered:
                came.set()

    waiting = threading.Thread(target=second)
    with lanes.enter("one"):
        waiting.start()
        assert not came.is_set()
    waiting.join()
    assert came.is_set()


def test_a_failure_inside_gives_the_place_back() -> None:
    lanes = Lanes(1, most_waiting=1, patience_s=0.01)
    try:
        with lanes.enter("one"):
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    with lanes.enter("one") as entered:
        assert entered
