"""The routes: photos in, answers out; and what operators and programs ask."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Sequence
from typing import Annotated, Any, TypeVar

import anyio.to_thread
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from transfer_learning.classifier.classifier import Answer, Classifier
from transfer_learning.photos import pixels
from transfer_learning.serving import metrics, page, schema, tf_serving, uploads
from transfer_learning.serving.desk import Desk
from transfer_learning.serving.guard import GONE, Guard
from transfer_learning.serving.hosts import Hosts
from transfer_learning.serving.limits import Limits
from transfer_learning.serving.memory import Memory
from transfer_learning.serving.problems import Problem

T = TypeVar("T")

ABOUT = """Photos in, calibrated probabilities out. Every error is `{"error": "one line"}`.

No photo is stored or logged."""


class Service:
    """What the routes share: a classifier's desk, the limits and the counters."""

    def __init__(self, classifier: Classifier, limits: Limits) -> None:
        self.manifest = classifier.manifest
        self.limits = limits
        self.desk = Desk(classifier, limits)
        self.memory = Memory(int(limits.held_mb * 1e6))
        self.metrics = metrics.Metrics(self.manifest, self.desk, self.memory)

    async def answers(
        self, request: Request, photos: Sequence[uploads.Photo]
    ) -> list[Answer | Problem]:
        """Return the answer to each photo.

        Raises:
            Problem: there is one photo, and it is refused; or all requests are too many.
            ClientDisconnect: nobody waits for it any more.
        """
        found = await _unless_gone(request, self.desk.answers(photos))
        self.metrics.photos(found)
        if len(found) == 1 and isinstance(found[0], Problem):
            raise found[0]
        return found

    async def predict(self, request: Request, top: int | None) -> dict[str, Any]:
        """Answer ``POST /predict``."""
        self.desk.refuse_if_full()
        with self.memory.held() as held:
            photos = await uploads.photos(request, self.limits, held)
            answers = await self.answers(request, photos)
        classes = self.manifest.classes
        return {
            "model": self.manifest.name,
            "predictions": [prediction(item, classes, top) for item in answers],
        }

    async def rows(self, request: Request, name: str) -> dict[str, Any]:
        """Answer as TensorFlow Serving does."""
        self.expect(name)
        self.desk.refuse_if_full()
        with self.memory.held() as held:
            body = await uploads.body(request, self.limits, held)
            photos = await anyio.to_thread.run_sync(tf_serving.photos, body, self.limits)
            return tf_serving.answer(await self.answers(request, photos))

    def expect(self, name: str) -> None:
        """Refuse a model that is not here.

        Raises:
            Problem: the name is another one.
        """
        if name != self.manifest.name:
            own = self.manifest.name
            raise Problem(404, f"there is no model {name[:80]!r} here, but {own!r}")

    def metadata(self) -> schema.Metadata:
        """Return what answers here."""
        model = self.manifest
        return schema.Metadata(
            name=model.name,
            classes=list(model.classes),
            source=model.source,
            synthetic=model.synthetic,
            members=[
                schema.Member(
                    name=member.name,
                    handle=member.handle,
                    resolution=member.resolution,
                    licence=member.licence,
                )
                for member in model.members
            ],
            temperature=model.temperature,
            threshold=model.threshold,
            sure_accuracy=model.sure_accuracy,
            metrics=model.metrics.as_dict(),
            limits=dataclasses.asdict(self.limits),
            formats=list(pixels.formats()),
        )


def prediction(item: Answer | Problem, classes: Sequence[str], top: int | None) -> dict[str, Any]:
    """Return the answer to a photo as ``POST /predict`` gives it, with the ``top`` classes."""
    if isinstance(item, Problem):
        return {"error": item.reason, "status": item.status}
    # Stable: of equal ones the class that is listed first, as the label is.
    order = (-item.probabilities).argsort(kind="stable")[:top]
    return {
        "label": item.label,
        "score": item.score,
        "sure": item.sure,
        "probabilities": {classes[index]: float(item.probabilities[index]) for index in order},
    }


def build(service: Service, hosts: Hosts) -> FastAPI:
    """Return the application."""
    app = FastAPI(
        title=f"{service.manifest.name}, a photo classifier",
        description=ABOUT,
        version=tf_serving.VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # Relative to openapi.json, so that a reverse proxy may put all under a path.
        servers=[{"url": "."}],
    )
    app.add_middleware(Guard, hosts=hosts, metrics=service.metrics)
    _add_errors(app)
    _add_predictions(app, service)
    _add_operations(app, service)
    _add_pages(app, service)
    return app


def _add_predictions(app: FastAPI, service: Service) -> None:
    @app.post(
        "/predict",
        tags=["photos"],
        summary="Classify one or many photos",
        response_model=schema.Predictions,
        responses=schema.errors(400, 403, 408, 413, 415, 422, 503),
        openapi_extra=schema.PREDICT_BODY,
    )
    async def predict(
        request: Request,
        top: Annotated[
            int | None, Query(ge=1, description="Only so many classes of each photo")
        ] = None,
    ) -> Response:
        """One photo that is refused has its own status; of several, each has its own error."""
        return JSONResponse(await service.predict(request, top))

    @app.post(
        "/v1/models/{name}:predict",
        tags=["TensorFlow Serving"],
        summary="Classify photos in base64",
        response_model=schema.Rows,
        responses=schema.errors(400, 403, 404, 408, 413, 415, 422, 503),
        openapi_extra=schema.ROWS_BODY,
    )
    async def rows(request: Request, name: str) -> Response:
        """As a server of the exported SavedModel, except that a broken photo fails alone."""
        return JSONResponse(await service.rows(request, name))

    @app.get(
        "/v1/models/{name}",
        tags=["TensorFlow Serving"],
        summary="The model's status",
        response_model=schema.ModelStatus,
        responses=schema.errors(404),
    )
    async def status(name: str) -> Response:
        service.expect(name)
        return JSONResponse(tf_serving.status())


def _add_operations(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["operation"], summary="It lives", responses=schema.errors())
    async def healthz() -> schema.Health:
        return schema.Health(status="ok")

    @app.get(
        "/readyz",
        tags=["operation"],
        summary="It may be sent photos",
        responses=schema.errors(503),
    )
    async def readyz() -> schema.Health:
        if not service.desk.ready:
            raise Problem(503, "photos are not answered now", retry_after=2)
        return schema.Health(status="ready")

    @app.get(
        "/metadata",
        tags=["operation"],
        summary="What answers here, and what it takes",
        responses=schema.errors(),
    )
    async def metadata() -> schema.Metadata:
        return service.metadata()

    @app.get(
        "/metrics",
        tags=["operation"],
        summary="Counts and times for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **schema.errors()},
    )
    async def prometheus() -> Response:
        content, kind = service.metrics.text()
        return Response(content, media_type=kind)


def _add_pages(app: FastAPI, service: Service) -> None:
    index, docs = page.index(service.manifest, service.limits), page.docs(service.manifest)
    static = page.static()

    @app.get("/", include_in_schema=False)
    async def home() -> HTMLResponse:
        return HTMLResponse(index)

    @app.get("/docs", include_in_schema=False)
    async def api() -> HTMLResponse:
        return HTMLResponse(docs)

    @app.get("/openapi.json", include_in_schema=False)
    async def description() -> JSONResponse:
        return JSONResponse(schema.described(app))

    @app.get("/static/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in static:
            raise HTTPException(404)
        content, kind = static[name]
        return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return JSONResponse({"error": error.reason}, error.status, headers=error.headers())

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def parameter(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return JSONResponse({"error": f"{first['loc'][-1]}: {first['msg']}"}, 422)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=GONE)


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Return what ``work`` gives, which is cancelled when the client goes away.

    Raises:
        ClientDisconnect: it went.
    """
    working = asyncio.ensure_future(work)
    # After the body, the next that a client can do is to go.
    leaving = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()
