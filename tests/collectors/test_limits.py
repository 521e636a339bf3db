"""A utility's pushes take turns; another's do not notice."""

import threading

from collectors.limits import Lanes


def test_only_so_many_are_inside_and_others_are_free() -> None:
    lanes = Lanes(1, most_waiting=1, patience_s=0.01)
    with lanes.enter("one") as first, lanes.enter("one") as second, lanes.enter("other") as third:
        assert (first, second, third) == (True, False, True)
    with lanes.enter("one") as again:
        assert again


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
