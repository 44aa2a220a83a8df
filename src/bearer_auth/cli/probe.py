"""Asks a running server whether the Authorization header arrives at the app.

Without a key the challenge of a 401 carries no error code, and with a wrong one it carries
``error="invalid_token"`` (RFC 6750 §3.1); so two requests tell whether the header got through.
"""

from __future__ import annotations

import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from ipaddress import ip_address
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

from ..token import mint
from .checks import Finding

TIMEOUT_S = 10.0
"""How long each step of a request may take."""

_MAX_BODY = 65_536
_UNAUTHORIZED = {
    "success": False,
    "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"},
}


class Answer(NamedTuple):
    """What the server said."""

    status: int
    challenge: str
    location: str
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow none: what stands elsewhere is another server."""


def server(url: str) -> Iterator[Finding]:
    """Ask a server.

    Args:
        url: ``http`` or ``https``, a path that needs a key.
    """
    try:
        without = _get(url, None)
        made_up = _get(url, "Bearer " + mint("ba", "production"))
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        fix = "is the server running, and is this its address?"
        if isinstance(reason, ssl.SSLError) and not isinstance(
            reason, ssl.SSLCertVerificationError
        ):
            fix = "is this its address, or is it http?"
        yield Finding(
            "error",
            "server",
            url,
            f"no answer: {getattr(reason, 'strerror', None) or type(reason).__name__}",
            fix,
        )
        return
    if not _is_private(url):
        yield Finding(
            "warning",
            "server",
            url,
            "keys would travel where others can read them",
            "serve https, and close the port for http",
        )
    if without.status == 401 and _bearer(without.challenge) is not None:
        yield from _without_key(url, without)
        yield from _header_arrives(url, made_up)
    else:
        yield _unprotected(url, without)


def _without_key(url: str, answer: Answer) -> Iterator[Finding]:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    if body != _UNAUTHORIZED:
        yield Finding(
            "warning",
            "envelope",
            url,
            "the 401 is not the documented body, so something else answers it",
            "let errors of bearer_auth pass through the app's handlers and the proxy",
        )
    else:
        yield Finding("ok", "envelope", url, "without a key: the documented 401")


def _header_arrives(url: str, answer: Answer) -> Iterator[Finding]:
    params = _bearer(answer.challenge)
    if answer.status == 401 and params is not None and 'error="invalid_token"' in params:
        yield Finding("ok", "header", url, "the Authorization header arrives")
    elif answer.status == 401:
        yield Finding(
            "error",
            "header",
            url,
            "the Authorization header is lost on its way to the app: a wrong key and no key at "
            "all get the same answer",
            "mod_wsgi: WSGIPassAuthorization On; a proxy or FastCGI: pass Authorization on",
        )
    else:
        yield Finding(
            "error",
            "header",
            url,
            f"a made-up key was answered with {answer.status} instead of 401",
            "look at the server's log: 503 means that its store can't answer",
        )


def _unprotected(url: str, answer: Answer) -> Finding:
    if 300 <= answer.status < 400:
        try:
            target = urlsplit(answer.location)
        except ValueError:  # whatever the server says, such as http://[x
            where = "what is no address"
        else:
            where = f"{target.scheme}://{target.hostname}" if target.hostname else "another path"
        return Finding(
            "error",
            "server",
            url,
            f"it redirects to {where} ({answer.status}), which was not followed",
            "pass the address at which clients send their keys",
        )
    if answer.status == 401:
        return Finding(
            "error",
            "server",
            url,
            "the 401 has no Bearer challenge, so something else answers it",
            "is this the app that BearerAuth wraps, or does a proxy ask for a password?",
        )
    return Finding(
        "error",
        "server",
        url,
        f"a request without a key was answered with {answer.status} instead of 401",
        "pass a path that needs a key, and see that BearerAuth wraps the app that is served; 503 "
        "means that its store can't answer",
    )


def _get(url: str, authorization: str | None) -> Answer:
    headers = {"Accept": "application/json", "User-Agent": "bearer-auth-doctor"}
    if authorization is not None:
        headers["Authorization"] = authorization
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  # the command checked it
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as response:
            return _answer(response.status, response.headers, response)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error.headers, error)


def _answer(status: int, headers: Any, body: IO[bytes]) -> Answer:
    challenge = ", ".join(headers.get_all("WWW-Authenticate") or [])
    return Answer(status, challenge, headers.get("Location", ""), body.read(_MAX_BODY))


def _bearer(challenge: str) -> str | None:
    """The parameters of a Bearer challenge."""
    match = re.search(r"(?:^|,)\s*Bearer\b(.*)", challenge, re.IGNORECASE)
    return match[1] if match else None


def _is_private(url: str) -> bool:
    """Whether nobody else can read what goes there: https, or this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
