"""One log line, figures and strict headers for each request. What users say, type or name things is not in the log."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import MutableHeaders

from web.metrics import Metrics
from web.problems import SENTENCES, Problem
from web.worker import log_inside

log = logging.getLogger("web")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
METHODS = {"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"}


class Journal:
    """Wraps the whole service."""

    def __init__(self, app, metrics: Metrics):
        self.app, self.metrics = app, metrics

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status, size = time.perf_counter(), None, 0

        async def noted(message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            else:
                size += len(message.get("body", b""))
            await send(message)

        cut = ""
        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            log_inside(error)
            if status is None:
                await Problem(500, SENTENCES[500]).response(scope, receive, noted)
            cut = " cut short"
        finally:
            seconds = time.perf_counter() - began
            # The pattern of the address, not the address itself: voices have people's names.
            route = getattr(scope.get("route"), "path", None) or "other"
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.metrics.requests.labels(method, route, status or 499).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            log.info("%s %s %s %.3f s %d bytes%s", method, route, status or 499, seconds, size, cut)
        if cut and status is not None:
            # The answer had begun: closing the connection is the only way left to say that it is not whole.
            raise ConnectionAbortedError
