import gzip
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.inflate import BadGzip, TooLarge, inflate

MEBIBYTE = 1 << 20


def chunks(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@given(body=st.binary(max_size=3000), size=st.integers(1, 500), repeat=st.integers(1, 60))
def test_whatever_the_chunks_the_body_comes_back(body: bytes, size: int, repeat: int) -> None:
    whole = body * repeat
    assert inflate(chunks(gzip.compress(whole), size), len(whole)) == whole


def test_the_limit_is_exact() -> None:
    body = gzip.compress(bytes(200_000))
    assert len(inflate([body], 200_000)) == 200_000
    with pytest.raises(TooLarge) as caught:
        inflate([body], 199_999)
    assert caught.value.limit == 199_999


def test_a_bomb_is_refused_with_little_memory() -> None:
    bomb = gzip.compress(bytes(100 * MEBIBYTE), 9)
    read = []

    def body() -> Iterator[bytes]:
        for chunk in chunks(bomb, 1024):
            read.append(len(chunk))
            yield chunk

    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            inflate(body(), MEBIBYTE)
        assert tracemalloc.get_traced_memory()[1] < 2 * MEBIBYTE
    finally:
        tracemalloc.stop()
    assert sum(read) < len(bomb) / 20


def test_members_behind_each_other_and_zero_padding() -> None:
    body = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two") + bytes(600)
    for size in (1, 7, 10_000):
        assert inflate(chunks(body, size), 100) == b"one two"


def test_a_swarm_of_members_is_refused() -> None:
    with pytest.raises(BadGzip, match="1000"):
        inflate([gzip.compress(b"") * 20_000], 100)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\0",
        b"no gzip",
        gzip.compress(b"telegram", mtime=0)[:-1],
        gzip.compress(b"telegram", mtime=0)[:12],
        gzip.compress(b"telegram", mtime=0) + b"and more",
        zlib.compress(b"telegram"),
        gzip.compress(b"telegram" * 9, mtime=0)[:-5] + b"wrong",
    ],
)
def test_what_is_no_whole_gzip(body: bytes) -> None:
    with pytest.raises(BadGzip):
        inflate([body], 1000)


@given(st.binary(max_size=200))
def test_damage_is_told(noise: bytes) -> None:
    # No noise holds the checksum and length of what it inflates to.
    with pytest.raises((BadGzip, TooLarge), match=r"\.$"):
        inflate([b"\x1f\x8b\x08" + noise], 10_000)
