"""The end of a request is found, however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ready.web.arrival import FIRST_S, MAX_HEAD, Arrival, Stage

PLAIN = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = (
    b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"3;name=value\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
)
TRAILERS = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n"


def fed(data: bytes, cuts: list[int]) -> tuple[Arrival, list[Stage]]:
    arrival = Arrival(1000)
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return arrival, [
        arrival.feed(data[start:end]) for start, end in zip(edges, edges[1:], strict=False)
    ]


@pytest.mark.parametrize("request_", [PLAIN, LENGTH, CHUNKS, TRAILERS])
@given(cuts=st.lists(st.integers(0, 200), max_size=6))
def test_is_complete_with_its_last_byte_and_not_before(request_: bytes, cuts: list[int]) -> None:
    assert fed(request_, cuts)[1][-1] is Stage.COMPLETE
    assert set(fed(request_[:-1], cuts)[1]) == {Stage.MORE}


@given(cuts=st.lists(st.integers(0, 200), max_size=6))
def test_what_follows_stays_for_the_next_request(cuts: list[int]) -> None:
    arrival, stages = fed(CHUNKS + PLAIN, cuts)
    assert stages[-1] is Stage.COMPLETE
    assert bytes(arrival.data) == CHUNKS + PLAIN


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
    ],
)
def test_what_is_malformed_is_left_to_the_parser(request_: bytes) -> None:
    assert Arrival(1000).feed(request_) is Stage.COMPLETE


def test_bounds() -> None:
    assert Arrival(1000).feed(b"GET / HTTP/1.1\r\nA: " + b"x" * MAX_HEAD) is Stage.HEAD_TOO_LARGE
    assert (
        Arrival(1000).feed(b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n")
        is Stage.BODY_TOO_LARGE
    )
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + b"x" * 1001
    assert Arrival(1000).feed(chunked) is Stage.BODY_TOO_LARGE


def test_allowance_grows_with_what_has_come() -> None:
    arrival = Arrival(100_000)
    arrival.feed(b"POST / HTTP/1.1\r\nContent-Length: 90000\r\n\r\n")
    assert arrival.allowance_s() == FIRST_S
    arrival.feed(b"x" * 16 * 1024)
    assert arrival.allowance_s() == FIRST_S + 2
