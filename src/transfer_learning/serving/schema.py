"""What the routes take and give, for OpenAPI: types, examples and errors."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

ERRORS = {
    400: ("The request cannot be understood", "the body is not JSON"),
    403: ("A browser sends it from another site", "a page of another site may not send photos"),
    404: ("There is no such model", "there is no model 'x' here, but 'mobilenet_v2'"),
    408: ("The body came too slowly", "the body came too slowly: 65,536 bytes so far"),
    413: (
        "Too many bytes, photos or megapixels",
        "the photo has 144 megapixels, and 100 are allowed",
    ),
    415: ("It is no photo", "no photo: not one of JPEG, PNG, BMP, GIF, WEBP"),
    421: ("The server is not called what Host says", "this server is not called 'example.com'"),
    422: ("The photo is damaged, or a parameter is wrong", "image file is truncated"),
    503: ("Too many photos wait; Retry-After says how long", "128 photos wait already"),
}


class Error(BaseModel):
    """Why there is no answer."""

    error: str = Field(description="One line for a person.")


class Prediction(BaseModel):
    """The answer to a photo."""

    label: str = Field(description="The most probable class.")
    score: float = Field(description="Its calibrated probability.")
    sure: bool = Field(description="Whether score reaches the model's threshold.")
    probabilities: dict[str, float] = Field(description="By class, the most probable first.")


class RefusedPhoto(BaseModel):
    """Why one photo of several has no answer."""

    error: str = Field(description="One line for a person.")
    status: int = Field(description="What the photo would be answered if it were alone.")


class Predictions(BaseModel):
    """The answers to all photos of a request, in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "model": "mobilenet_v2",
                "predictions": [
                    {
                        "label": "daisy",
                        "score": 0.93,
                        "sure": True,
                        "probabilities": {"daisy": 0.93, "tulip": 0.07},
                    },
                    {"error": "image file is truncated", "status": 422},
                ],
            }
        }
    )

    model: str
    predictions: list[Prediction | RefusedPhoto]


class Row(BaseModel):
    """The outputs of the SavedModel for a photo."""

    probabilities: list[float] = Field(description="Calibrated, in the order of the classes.")
    label: str
    score: float


class Rows(BaseModel):
    """TensorFlow Serving's answer in its row format; a broken photo's row has only an error."""

    predictions: list[Row | Error]


class VersionStatus(BaseModel):
    """A version of a model."""

    version: str = Field(examples=["1"])
    state: str = Field(examples=["AVAILABLE"])
    status: dict[str, str] = Field(examples=[{"error_code": "OK", "error_message": ""}])


class ModelStatus(BaseModel):
    """TensorFlow Serving's status of a model."""

    model_version_status: list[VersionStatus]


class Health(BaseModel):
    """Whether it lives, or may be sent photos."""

    status: str = Field(examples=["ok"])


class Member(BaseModel):
    """A network whose features the classifier sees."""

    name: str
    handle: str
    resolution: int = Field(description="Pixels of the square that a photo becomes.")
    licence: str


class Metadata(BaseModel):
    """What answers here, how good it is, and what it takes."""

    name: str
    classes: list[str] = Field(description="In the order of TensorFlow Serving's probabilities.")
    source: str = Field(description="Where its photos came from.")
    synthetic: bool = Field(description="Trained on drawn photos: it knows no real ones.")
    members: list[Member]
    temperature: float
    threshold: float = Field(description="Below it an answer is unsure.")
    sure_accuracy: float = Field(description="What the threshold was chosen for.")
    metrics: dict[str, int | float] = Field(description="On the test photos of its training.")
    limits: dict[str, int | float]
    formats: list[str] = Field(description="Of photos.")


_BINARY = {"type": "string", "format": "binary"}

PREDICT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One or more files, or one photo's bytes as they are.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"photo": {"type": "array", "items": _BINARY}},
                    "required": ["photo"],
                }
            },
            "image/*": {"schema": _BINARY},
            "application/octet-stream": {"schema": _BINARY},
        },
    }
}

_BASE64 = {
    "type": "object",
    "required": ["b64"],
    "properties": {"b64": {"type": "string", "format": "byte"}},
}

ROWS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["instances"],
                    "properties": {
                        "instances": {
                            "type": "array",
                            "minItems": 1,
                            "items": {
                                "oneOf": [
                                    _BASE64,
                                    {
                                        "type": "object",
                                        "required": ["image_bytes"],
                                        "properties": {"image_bytes": _BASE64},
                                    },
                                ]
                            },
                        },
                        "signature_name": {"type": "string", "default": "serving_default"},
                    },
                },
                # A GIF of one pixel.
                "example": {
                    "instances": [
                        {"b64": "R0lGODdhAQABAIABAP8AAP///ywAAAAAAQABAAACAkQBADs="},
                    ]
                },
            }
        },
    }
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of errors for a route; each can also be 421."""
    return {
        status: {
            "model": Error,
            "description": ERRORS[status][0],
            "content": {"application/json": {"example": {"error": ERRORS[status][1]}}},
        }
        | ({"headers": {"Retry-After": _RETRY}} if status == 503 else {})
        for status in (*statuses, 421)
    }


def described(app: FastAPI) -> dict[str, Any]:
    """Return the description of an application.

    FastAPI adds an error of its own shape to each route with a parameter; here all have one shape,
    and those that can be are listed already.
    """
    api = app.openapi()
    for route in (route for path in api["paths"].values() for route in path.values()):
        if "HTTPValidationError" in str(route["responses"].get("422")):
            del route["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        api["components"]["schemas"].pop(name, None)
    return api


_RETRY = {"schema": {"type": "integer"}, "description": "Seconds"}
