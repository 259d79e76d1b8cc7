"""Errors as clients get them: a status, and one sentence in the JSON that OpenAI's clients expect."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from web.leaving import ClientGone

CODES = {
    400: "invalid_request", 401: "invalid_api_key", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    409: "conflict", 413: "too_large", 415: "not_a_sound", 422: "unusable_recording", 429: "busy",
    500: "internal_error", 503: "unavailable",
}  # fmt: skip
SENTENCES = {
    404: "there is nothing at this address; GET /docs lists what there is",
    405: "this address does not take that method; GET /docs lists what there is",
    500: "something went wrong inside; the log says where",
}


class ErrorDetail(BaseModel):
    message: str
    """One sentence: what is wrong, and what would be right."""
    type: str
    code: str
    param: str | None = None


class ErrorAnswer(BaseModel):
    error: ErrorDetail


class Problem(Exception):
    """Answered with `status` and `message`."""

    def __init__(self, status: int, message: str, param: str | None = None, retry_after: int | None = None):
        super().__init__(message)
        self.status, self.message, self.param, self.retry_after = status, message, param, retry_after

    @property
    def content(self) -> dict:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        detail = {"message": self.message, "type": kind, "code": CODES.get(self.status, "error"), "param": self.param}
        return {"error": detail}

    @property
    def response(self) -> JSONResponse:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        headers |= {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        return JSONResponse(self.content, self.status, headers)


def answers(*statuses: int) -> dict:
    """For a route's OpenAPI description: the errors it may answer with."""
    return {status: {"model": ErrorAnswer, "description": CODES[status].replace("_", " ")} for status in statuses}


def handle_problems(app: FastAPI) -> None:
    """Let every error of the routes leave as a Problem."""

    @app.exception_handler(Problem)
    async def _problem(_: Request, problem: Problem) -> Response:
        return problem.response

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
        said = first["msg"].removeprefix("Value error, ")
        param = place[0] if place and first["type"] != "json_invalid" else None
        sentence = f"{param}: {said}" if param else f"the request cannot be read: {said}"
        return Problem(400, sentence, param).response

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        answer = Problem(error.status_code, SENTENCES.get(error.status_code, str(error.detail))).response
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(ClientGone)
    async def _gone(_: Request, __: ClientGone) -> Response:
        return Response(status_code=499)  # for the log: nobody is there to read it

    @app.exception_handler(Exception)
    async def _broken(_: Request, __: Exception) -> Response:
        return Problem(500, SENTENCES[500]).response
