"""What a wired master sends."""

import pytest

from wmbus import requests, wired


def test_short_frames() -> None:
    assert requests.reset(5).hex() == "1040054516"
    assert requests.request_data(5, toggle=True).hex() == "107b058016"
    assert requests.request_data(5, toggle=False).hex() == "105b056016"
    assert requests.request_alarm(1, toggle=False).hex() == "105a015b16"


def test_selection_with_wildcards() -> None:
    frame = wired.parse(requests.select("1234FFFF", manufacturer="KAM", device_type=4))
    assert frame.body.hex() == "53fd52" + "ffff3412" + "2d2c" + "ff" + "04"
    everybody = wired.parse(requests.select())
    assert everybody.body.hex() == "53fd52" + "ff" * 8


def test_a_command() -> None:
    frame = wired.parse(requests.send_data(5, 0x51, b"\x01\x02"))
    assert (frame.kind, frame.body.hex()) == (wired.FrameKind.LONG, "7305510102")
    control = wired.parse(requests.send_data(5, 0xBB, toggle=False))
    assert (control.kind, control.body.hex()) == (wired.FrameKind.CONTROL, "5305bb")


@pytest.mark.parametrize("number", ["1234567", "1234567G"])
def test_a_number_has_eight_digits(number: str) -> None:
    with pytest.raises(ValueError, match="eight digits"):
        requests.select(number)


def test_a_frame_has_a_greatest_length() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        requests.send_data(5, 0x51, bytes(253))
    with pytest.raises(ValueError, match="three letters"):
        requests.select(manufacturer="K")
