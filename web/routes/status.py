"""For balancers and Prometheus: is the service alive, can it take work, what has it done."""

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from web.problems import Problem, answers
from web.service import Here

router = APIRouter(tags=["status"])


class Status(BaseModel):
    status: Literal["ok"]


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Status:
    return Status(status="ok")


@router.get("/readyz", summary="Are the models loaded, and is there a free place?", responses=answers(503))
async def readyz(here: Here) -> Status:
    if not here.worker.ready:
        raise Problem(503, "all places are taken, or the service is stopping; ask another", retry_after=1)
    return Status(status="ok")


@router.get("/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse, responses=answers(401))
async def metrics(here: Here) -> PlainTextResponse:
    return PlainTextResponse(generate_latest(here.metrics.registry), media_type=CONTENT_TYPE_LATEST)
