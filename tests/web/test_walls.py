"""Headers, limits and calls to the outside, as an attacker would try them."""

import io
import os
import secrets
import socket
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook
from prometheus_client import REGISTRY, generate_latest

from ready.web import outbound
from ready.web.sheets import xlsx_file

ROOT = Path(__file__).resolve().parents[2]


def production() -> dict[str, str]:
    """The least environment with which READY starts for a utility."""
    return {
        "PATH": os.environ["PATH"],
        "READY_ENV": "production",
        "READY_SECRET_KEY": secrets.token_urlsafe(48),
        "READY_MASTER_KEY": b64encode(secrets.token_bytes(32)).decode(),
        "READY_AUDIT_KEY": b64encode(secrets.token_bytes(32)).decode(),
        "READY_ALLOWED_HOSTS": "ready.example.org",
        "READY_BASE_URL": "https://ready.example.org/",
        "DATABASE_URL": "postgres://nobody@localhost/none",
        "REDIS_URL": "redis://localhost/0",
        "READY_SMTP_URL": "smtps://ready:secret@mail.example.org:465",
        "READY_TRUSTED_PROXIES": "172.16.0.0/12",
        "READY_MAIL_FROM": "READY <ready@example.org>",
    }


def manage(*words: str, **changed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=production() | changed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_django_finds_nothing_to_complain_of_in_production() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("READY_SECRET_KEY", "short"),
        ("READY_ALLOWED_HOSTS", "*"),
        ("READY_BASE_URL", "http://ready.example.org/"),
        ("READY_AUDIT_KEY", "not base64"),
        ("READY_AUDIT_KEY", ""),
        ("READY_SMTP_URL", ""),
        ("READY_MASTER_KEY_OLD", "eA=="),
    ],
)
def test_production_does_not_start_on_a_weak_setting(name: str, value: str) -> None:
    done = manage("check", **{name: value})
    assert done.returncode != 0
    assert name in done.stderr


def test_production_cookies_and_transport() -> None:
    done = manage(
        "shell",
        "--no-imports",
        "--command",
        "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, "
        "s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.SECURE_HSTS_SECONDS)",
    )
    assert done.stdout.split() == [
        "__Host-ready-session",
        "__Host-ready-csrf",
        "True",
        "True",
        "31536000",
    ], done.stderr


class TestHeaders:
    pytestmark = pytest.mark.django_db

    def test_an_address_that_opens_something_stands_in_no_log(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level("INFO", logger="ready.access"):
            client.get("/invitation/aalund/s3cret-of-the-link/")
            client.get("/accounts/password/reset/key/1-s3cret-of-the-link/")
        assert len(caplog.records) == 2
        assert "s3cret" not in caplog.text

    def test_made_up_methods_make_no_new_series(self, client: Client) -> None:
        client.generic("BREW", "/healthz/live")
        told = generate_latest(REGISTRY).decode()
        assert 'method="other"' in told
        assert "BREW" not in told

    def test_every_answer_carries_them(self, client: Client) -> None:
        for address in ("/accounts/login/", "/nowhere/", "/healthz/live", "/t/x/"):
            headers = client.get(address).headers
            assert headers["Cache-Control"].find("no-store") >= 0, address
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Referrer-Policy"] == "same-origin"
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "camera=()" in headers["Permissions-Policy"]
            policy = headers["Content-Security-Policy"]
            for part in (
                "default-src 'none'",
                "object-src 'none'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
                "form-action 'self'",
            ):
                assert part in policy, address
            assert "unsafe" not in policy

    def test_a_body_beyond_all_measure_is_refused_unread(self, client: Client) -> None:
        response = client.post(
            "/accounts/login/",
            b"x",
            content_type="application/x-www-form-urlencoded",
            CONTENT_LENGTH=str(33 * 1024 * 1024),
        )
        assert response.status_code == 413


class TestOutbound:
    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("http://example.com/", "scheme"),
            ("ftp://example.com/", "scheme"),
            ("https:///x", "address"),
            ("https://a:b@example.com/", "credentials"),
            ("https://127.0.0.1/", "private"),
            ("https://127.1/", "private"),
            ("https://2130706433/", "private"),
            ("https://0x7f.1/", "private"),
            ("https://localhost/", "private"),
            ("https://10.0.0.1/", "private"),
            ("https://192.168.1.1/", "private"),
            ("https://169.254.169.254/latest/meta-data/", "private"),
            ("https://100.64.0.1/", "private"),
            ("https://0.0.0.0/", "private"),
            ("https://[::1]/", "private"),
            ("https://[::ffff:127.0.0.1]/", "private"),
            ("https://[::ffff:a9fe:a9fe]/", "private"),
            ("https://[64:ff9b::7f00:1]/", "private"),
            ("https://[2002:7f00:1::]/", "private"),
            ("https://[fe80::1]/", "private"),
            ("https://[fd00::1]/", "private"),
            ("https://224.0.0.1/", "private"),
            ("https://93.184.216.34:99999/", "address"),
            ("https://93.184.216.34/a b", "address"),
        ],
    )
    def test_what_leads_inside_is_refused(self, url: str, code: str) -> None:
        with pytest.raises(outbound.Refused) as caught:
            outbound.call("GET", url)
        assert caught.value.code == code

    def test_one_private_address_among_public_ones_is_enough(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def answer(host: str, port: int, **_: Any) -> list[Any]:
            return [(0, 0, 0, "", (address, port)) for address in ("93.184.216.34", "10.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", answer)
        with pytest.raises(outbound.Refused):
            outbound.public_addresses("mixed.example", 443)

    def test_a_name_is_asked_for_once(
        self, server: int, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was checked is what is called: a second answer (rebinding) is never asked for."""
        settings.OUTBOUND_PRIVATE = {"inner.example"}
        asked = []

        def answer(host: str, port: int, *rest: Any, **_: Any) -> list[Any]:
            asked.append(host)
            kind = socket.AF_INET, socket.SOCK_STREAM, 6, ""
            return [(*kind, ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", answer)
        told = outbound.call("GET", f"http://inner.example:{server}/")
        assert told.status == 200
        assert asked.count("inner.example") == 1

    @pytest.fixture
    def server(self) -> Iterator[int]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(302 if self.path == "/away" else 200)
                self.send_header("Location", "http://127.0.0.1/secret")
                self.end_headers()
                self.wfile.write(b"x" * 1_000_000)

            def log_message(self, *_: object) -> None:
                return

        with HTTPServer(("127.0.0.1", 0), Handler) as made:
            thread = threading.Thread(target=made.serve_forever)
            thread.start()
            yield made.server_port
            made.shutdown()
            thread.join()

    def test_redirects_are_not_followed_and_answers_are_cut(
        self, server: int, settings: Any
    ) -> None:
        settings.OUTBOUND_PRIVATE = {"127.0.0.1"}
        told = outbound.call("GET", f"http://127.0.0.1:{server}/away", most=1000)
        assert (told.status, len(told.body)) == (302, 1000)

    def test_nobody_there(self, settings: Any) -> None:
        settings.OUTBOUND_PRIVATE = {"127.0.0.1"}
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        with pytest.raises(outbound.Unreachable):
            outbound.call("GET", f"http://127.0.0.1:{port}/")


def test_one_helper_writes_files_for_people() -> None:
    """So formula injection is answered once: nobody else makes CSV or XLSX for people."""
    ours = ("ready", "meters", "readings", "notifications", "collectors", "reports")
    # What machines read is exact, and never opened by a spreadsheet program with trust in it.
    allowed = {"ready/web/lists.py", "ready/web/sheets.py"}
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ours
        for path in (ROOT / package).rglob("*.py")
        if "csv.writer(" in (text := path.read_text()) or "Workbook(" in text
    }
    assert found - MACHINES <= allowed


# Files that other programs read, each with a test of its own.
MACHINES: set[str] = set()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", '=HYPERLINK("x")'])
def test_a_spreadsheet_cell_never_is_a_formula(text: str) -> None:
    response = xlsx_file("x.xlsx", "Title [1]", ["Head"], [[text], [-1], [None]])
    sheet = load_workbook(io.BytesIO(response.content)).active
    assert sheet is not None
    assert sheet["A2"].data_type == "s"
    assert sheet["A3"].value == -1
