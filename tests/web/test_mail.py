"""READY_SMTP_URL as Django's settings."""

import pytest

from ready.web.mail import smtp


@pytest.mark.parametrize(
    ("url", "host", "port", "starttls", "implicit"),
    [
        ("smtp://mail.example", "mail.example", 587, True, False),
        ("smtp://mail.example:2525?tls=off", "mail.example", 2525, False, False),
        ("smtps://mail.example", "mail.example", 465, False, True),
    ],
)
def test_says_where_and_how(url: str, host: str, port: int, starttls: bool, implicit: bool) -> None:
    told = smtp(url)
    assert (told["EMAIL_HOST"], told["EMAIL_PORT"]) == (host, port)
    assert (told["EMAIL_USE_TLS"], told["EMAIL_USE_SSL"]) == (starttls, implicit)


def test_a_password_may_hold_any_letter() -> None:
    told = smtp("smtp://me%40example:p%40ss%2Fw%C3%B8rd@mail.example:587")
    assert (told["EMAIL_HOST_USER"], told["EMAIL_HOST_PASSWORD"]) == ("me@example", "p@ss/wørd")


@pytest.mark.parametrize("url", ["", "mail.example", "http://x", "smtp://", "smtp://x?tls=maybe"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"smtp|tls"):
        smtp(url)
