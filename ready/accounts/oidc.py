"""OpenID Connect, the part of a relying party: authorization code with PKCE, state and nonce.

All addresses that a provider names are called through `ready.web.outbound`. Nothing here knows
who anybody is in READY: what comes out is an issuer and its subject.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt
from django.conf import settings

from ready.web import outbound

# Signatures by a key pair only: no "none", and no HMAC, whose key would be a public text.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_LEEWAY_S = 60
# People wait this long for each of three calls at most; nobody's request holds a transaction
# meanwhile (`ready.web.errands`).
_PATIENCE_S = 4.0
_LONGEST_SUBJECT = 255
# What a provider may say (RFC 8176) that makes more than a password.
_SECOND_FACTORS = frozenset({"mfa", "otp", "hwk", "swk", "sc", "fpt", "face", "iris"})


class Failed(Exception):
    """The provider cannot be used, or what it sent is not to be trusted.

    `code` tells the trail which: "unreachable", "discovery", "exchange", "token", "nonce".
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What a provider's discovery document names."""

    issuer: str
    authorization: str
    token: str
    keys: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the provider vouches for; `second_factor`: it says that it saw more than a password."""

    issuer: str
    subject: str
    second_factor: bool


def discover(issuer: str) -> Endpoints:
    """The provider's addresses. Raises Failed, also where it calls itself otherwise."""
    told = _json(f"{issuer.rstrip('/')}/.well-known/openid-configuration", "discovery")
    if told.get("issuer") != issuer:
        raise Failed("discovery", "the provider names another issuer")
    found = [told.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if not all(isinstance(one, str) and len(one) < 2000 for one in found):
        raise Failed("discovery", "the provider's document lacks an address")
    authorization, token, keys = (str(one) for one in found)
    parts = urlsplit(authorization)
    if parts.scheme != "https" and parts.hostname not in settings.OUTBOUND_PRIVATE:
        raise Failed("discovery", "the provider's log-in page is not on https")
    return Endpoints(issuer, authorization, token, keys)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The secrets of one try to log in; they stay in the browser's session."""

    state: str
    nonce: str
    verifier: str


def attempt() -> Attempt:
    """Fresh secrets."""
    return Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))


def address(endpoints: Endpoints, *, client_id: str, back: str, tried: Attempt) -> str:
    """Where the browser goes to log in."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(tried.verifier.encode()).digest())
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": back,
        "scope": "openid",
        "state": tried.state,
        "nonce": tried.nonce,
        "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    join = "&" if "?" in endpoints.authorization else "?"
    return f"{endpoints.authorization}{join}{urlencode(query)}"


def redeem(
    endpoints: Endpoints, *, client_id: str, secret: str, back: str, code: str, tried: Attempt
) -> Subject:
    """Exchange the code and look at the ID token. Raises Failed."""
    basic = base64.b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode())
    body = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": tried.verifier,
    }
    told = _json(
        endpoints.token,
        "exchange",
        body=urlencode(body).encode(),
        headers={
            "Authorization": f"Basic {basic.decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        },
    )
    text = told.get("id_token")
    if not isinstance(text, str):
        raise Failed("exchange", "the provider sent no ID token")
    keys = _json(endpoints.keys, "discovery")
    return verified(text, keys, issuer=endpoints.issuer, client_id=client_id, nonce=tried.nonce)


def verified(
    text: str, keys: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str
) -> Subject:
    """Whom an ID token names: signature, issuer, audience, times and nonce hold. Raises Failed."""
    try:
        header = jwt.get_unverified_header(text)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise Failed("token", "the ID token's algorithm is not allowed")
        key = _key(keys, header.get("kid"), algorithm)
        claims = jwt.decode(
            text,
            key,
            algorithms=[algorithm],
            audience=client_id,
            issuer=issuer,
            leeway=_LEEWAY_S,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise Failed("token", f"the ID token does not hold: {error}") from error
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
        raise Failed("token", "the ID token is for several and names no party")
    if claims.get("azp", client_id) != client_id:
        raise Failed("token", "the ID token was issued to somebody else")
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise Failed("nonce", "the ID token belongs to another log-in")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or "\0" in subject:
        raise Failed("token", "the ID token names nobody")
    said = claims.get("amr")
    methods = {str(one) for one in said} if isinstance(said, list) else set()
    return Subject(issuer, subject, bool(methods & _SECOND_FACTORS))


def _key(keys: Mapping[str, Any], name: object, algorithm: str) -> jwt.PyJWK:
    """The provider's key by its name; without a name only where there is just one."""
    listed = keys.get("keys")
    fitting = [
        one
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
        and one.get("use", "sig") == "sig"
        and one.get("kty") == ("EC" if algorithm.startswith("ES") else "RSA")
        and (name is None or one.get("kid") == name)
    ]
    if len(fitting) != 1:
        raise Failed("token", "the provider has no such key")
    return jwt.PyJWK(fitting[0], algorithm=algorithm)


def _json(
    url: str, failing: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    try:
        answer = outbound.call(
            "POST" if body else "GET", url, body=body, headers=headers, timeout_s=_PATIENCE_S
        )
    except outbound.Refused as error:
        raise Failed("discovery", str(error)) from error
    except outbound.Unreachable as error:
        raise Failed("unreachable", str(error)) from error
    if answer.status != 200:
        raise Failed(failing, f"the provider answered {answer.status}")
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise Failed(failing, "the provider's answer is no JSON") from error
    if not isinstance(told, dict):
        raise Failed(failing, "the provider's answer is no object")
    return told
