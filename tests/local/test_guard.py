"""What the guard remembers."""

import os

from ready.local.guard import follow


def test_groups_that_were_taken_back_are_spared() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"+10\n+20\n-10\n+3")
    os.write(writer, b"0\n-99\n")
    os.close(writer)
    assert follow(reader) == {20, 30}
    os.close(reader)
