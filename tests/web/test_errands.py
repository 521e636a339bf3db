"""A view asks the outside once, between two transactions; asking again is a defect that is told."""

from functools import partial

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from ready.web import errands


def asking(times: int) -> HttpResponse:
    """What a view answers that asks so many times."""
    asked: list[int] = []
    held: list[str] = []

    def ask(number: int) -> int:
        asked.append(number)
        return number

    def view(request: HttpRequest) -> HttpResponse:
        told = []
        for number in range(times):
            one = errands.result_of(request, partial(ask, number))
            if isinstance(one, errands.Errand):
                held.append("undone")
                return one
            told.append(one)
        held.append("kept")
        return HttpResponse(f"{told} {asked} {held}")

    return errands.run(RequestFactory().get("/t/aalund/"), view)


def test_the_view_begins_again_with_its_answer() -> None:
    assert asking(0).content == b"[] [] ['kept']"
    assert asking(1).content == b"[0] [0] ['undone', 'kept']"


def test_a_second_question_is_refused_not_answered_with_the_first() -> None:
    with pytest.raises(RuntimeError, match="/t/aalund/: a view may ask the outside once"):
        asking(2)


def test_an_errand_never_reaches_a_browser() -> None:
    with pytest.raises(RuntimeError, match="/t/aalund/: a view may ask the outside once"):
        errands.run(RequestFactory().get("/t/aalund/"), lambda _: errands.Errand(lambda: 1))
