"""A small OpenID provider over HTTP: discovery, keys and the token endpoint, with PKCE.

It signs truly; tests make it lie by `claims` and `sign`.
"""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT, SECRET = "ready", "s3cret:with/signs"


class Provider:
    """Keys, codes handed out, and what the next ID token shall say otherwise."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.issuer = ""
        self.told_issuer = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {}
        self.subject = "subject-1"
        self.on_call: Callable[[], None] = lambda: None
        self.sign: Callable[[dict[str, Any]], str] = self.signed

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "one"})

    def log_in(self, target: str) -> dict[str, str]:
        """What the person's browser brings back from the provider's log-in page."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, form: dict[str, str], authorization: str) -> dict[str, str] | None:
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(
            hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        )
        basic = base64.b64encode(b"ready:s3cret%3Awith%2Fsigns").decode()
        if (
            asked is None
            or authorization != f"Basic {basic}"
            or asked["redirect_uri"] != form["redirect_uri"]
            or asked["code_challenge"] != challenge.rstrip(b"=").decode()
        ):
            return None
        now = int(time())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "alice@aalund.example",
            "email_verified": True,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return {"id_token": self.sign(claims), "token_type": "Bearer", "access_token": "x"}

    def keys(self) -> dict[str, Any]:
        public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": "one", "use": "sig"}]}


@contextmanager
def serving() -> Iterator[Provider]:
    """A provider that answers on loopback until the end."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.on_call()
            if self.path == "/.well-known/openid-configuration":
                self._say(
                    {
                        "issuer": provider.told_issuer or provider.issuer,
                        "authorization_endpoint": f"{provider.issuer}/authorize",
                        "token_endpoint": f"{provider.issuer}/token",
                        "jwks_uri": f"{provider.issuer}/keys",
                    }
                )
            elif self.path.startswith("/authorize?"):
                asked = parse_qs(urlsplit(self.path).query)
                brought = urlencode(provider.log_in(self.path))
                self.send_response(302)
                self.send_header("Location", f"{asked['redirect_uri'][0]}?{brought}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif self.path == "/keys":
                self._say(provider.keys())
            else:
                self._say(None)

        def do_POST(self) -> None:
            provider.on_call()
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(provider.token(form, self.headers.get("Authorization", "")))

        def _say(self, answer: dict[str, Any] | None) -> None:
            body = json.dumps(answer or {"error": "invalid_grant"}).encode()
            self.send_response(200 if answer else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
