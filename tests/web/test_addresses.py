"""The client's address is the proxy's word only where the proxy is ours."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from ready.web.addresses import client_of, networks
from ready.web.middleware import ProxyMiddleware

OURS = networks(["10.83.0.0/24", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.83.0.2", "203.0.113.9", "203.0.113.9"),
        ("10.83.0.2", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("10.83.0.2", "203.0.113.9, 10.83.0.7", "203.0.113.9"),
        ("10.83.0.2", "", "10.83.0.2"),
        ("10.83.0.2", "nonsense", "10.83.0.2"),
        ("10.83.0.2", "203.0.113.9, nonsense", "10.83.0.2"),
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
        ("::1", "2001:db8::5", "2001:db8::5"),
        ("::ffff:10.83.0.2", "203.0.113.9", "203.0.113.9"),
        ("", "203.0.113.9", ""),
    ],
)
def test_client(peer: str, forwarded: str, client: str) -> None:
    assert client_of(peer, forwarded, OURS) == client


@pytest.mark.parametrize(
    ("peer", "seen", "secure"),
    [("10.83.0.2", "203.0.113.9", True), ("203.0.113.66", "203.0.113.66", False)],
)
def test_a_stranger_s_word_is_struck_out(
    settings: Settings, peer: str, seen: str, secure: bool
) -> None:
    settings.TRUSTED_PROXIES = ["10.83.0.0/24"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    request = RequestFactory().get(
        "/",
        REMOTE_ADDR=peer,
        headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"},
    )

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"{request.META['REMOTE_ADDR']} {request.is_secure()}")

    assert ProxyMiddleware(view)(request).content.decode() == f"{seen} {secure}"
