"""The service put together: routes, page, guard and journal."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from web.guard import Guard
from web.journal import Journal
from web.limits import GOODBYE_SECONDS
from web.problems import handle_problems
from web.routes import clone, speech, status, voices
from web.service import Service

STATIC = Path(__file__).parent / "static"
DESCRIPTION = """\
Clone voices and speak with them. Errors are one JSON shape, OpenAI's, with one sentence for people. Where the service
asks for an API key, send it in the header Authorization: Bearer KEY."""


def create_app(service: Service, key: str | None = None) -> Journal:
    """The whole service as an ASGI application. key: what clients must send; None asks for none."""

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        service.worker.start()
        yield
        service.worker.stop()

    app = FastAPI(
        title="Timbre", version="1", description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )  # the usual pages of documentation come from another host; ours is static/docs.html
    app.state.service = service
    for part in (clone, voices, speech, status):
        app.include_router(part.router)
    handle_problems(app)

    app.openapi = lambda: _description(app)

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return _file("index.html")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return _file("docs.html")

    app.mount("/static", StaticFiles(directory=STATIC))
    return Journal(Guard(app, key), service.metrics)


def _description(app: FastAPI) -> dict:
    """FastAPI's, without the answers 422 that it supposes: what is invalid is answered 400 here, as OpenAI does."""
    described = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for methods in described["paths"].values():
        for operation in methods.values():
            if operation["responses"].get("422", {}).get("description") == "Validation Error":
                del operation["responses"]["422"]
    for unused in ("HTTPValidationError", "ValidationError"):
        described["components"]["schemas"].pop(unused, None)
    return described


def server_of(app: Journal) -> uvicorn.Server:
    """What listens; on SIGTERM and Ctrl-C it finishes what has begun, for so long as `GOODBYE_SECONDS` say."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )
    return uvicorn.Server(config)


def _file(name: str) -> FileResponse:
    return FileResponse(STATIC / name, headers={"Cache-Control": "no-cache"})
