"""What is refused before anything of a request is read: other hosts' pages, missing keys, too many bytes."""

from __future__ import annotations

import hmac
import ipaddress
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from speech.errors import InputError
from web.limits import JSON_BYTES, UPLOAD_BYTES
from web.problems import Problem

PUBLIC = {"/", "/docs", "/openapi.json", "/healthz", "/readyz"}
"""Without a key: the page asks for it, a balancer has none."""
SHORTEST_KEY = 16
DRAINED_BYTES = 10 * UPLOAD_BYTES
"""Read and thrown away of a request that is too large, so that its client hears why; then the connection is cut."""


class Guard:
    """Lets through what may be worked on. Without a key, only who is on this machine, and names it so."""

    def __init__(self, app, key: str | None):
        self.app, self.key = app, key

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        most = UPLOAD_BYTES if headers.get("content-type", "").lower().startswith("multipart/") else JSON_BYTES
        try:
            self._check_host(headers)
            self._check_origin(scope["method"], headers)
            self._check_key(scope["path"], headers)
            declared = headers.get("content-length", "0")
            if declared.isdigit() and int(declared) > most:
                await _drain(receive)
                raise _too_large(most)
        except Problem as problem:
            await problem.response(scope, receive, send)
            return
        await self.app(scope, _counted(receive, most), send)

    def _check_host(self, headers: Headers) -> None:
        """A page that made its own site's name point to 127.0.0.1 must not talk to us."""
        host = headers.get("host", "").rpartition("@")[2]
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if self.key is None and not is_loopback(name):
            raise Problem(400, "this service answers to localhost alone; open it as http://localhost or 127.0.0.1")

    def _check_origin(self, method: str, headers: Headers) -> None:
        """Browsers say when another site's page sends a request; programs say nothing."""
        if method not in ("GET", "HEAD") and headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Problem(403, "another site's page may not use this service; open the service's own page")

    def _check_key(self, path: str, headers: Headers) -> None:
        if self.key is None or path in PUBLIC or path.startswith("/static/"):
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode("latin-1", "replace"), self.key.encode())
        if scheme.lower() != "bearer" or not right:
            raise Problem(401, "a valid API key is needed: send the header Authorization: Bearer YOUR_KEY")


def _counted(receive, most: int):
    """Receive at most `most` bytes, also where no length was declared."""
    received = 0

    async def count():
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, _too_large(most).message)
        return message

    return count


async def _drain(receive) -> None:
    read = 0
    while read < DRAINED_BYTES:
        message = await receive()
        read += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def _too_large(most: int) -> Problem:
    return Problem(413, f"the request is too large; at most {most / 1e6:g} MB are taken")


def is_loopback(host: str) -> bool:
    if host.lower() in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_key(path: Path) -> str:
    """The key in a file. Raises InputError if it cannot be read or is too short."""
    try:
        key = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise InputError(f"cannot read the API key file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no API key file: a key is plain ASCII") from error
    if len(key) < SHORTEST_KEY or not key.isprintable() or " " in key:
        raise InputError(f"{path} must hold one key of at least {SHORTEST_KEY} characters without spaces")
    return key
