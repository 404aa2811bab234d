"""TensorFlow Serving's REST API: bodies of ``/v1/models/NAME:predict`` and what they are answered.

The row format of https://www.tensorflow.org/tfx/serving/api_rest, as a SavedModel of the export
would be served.  Unlike there, a photo is turned upright, and a broken one fails alone.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from transfer_learning.classifier.classifier import Answer
from transfer_learning.serving.limits import Limits
from transfer_learning.serving.problems import Problem
from transfer_learning.serving.uploads import Photo, too_many, within

EXPECTED = '{"instances": [{"b64": "…"}]}'
# The input of the SavedModel's ``serving_default``, which a row may name.
INPUT = "image_bytes"
SIGNATURE = "serving_default"
VERSION = "1"


def photos(body: bytes, limits: Limits) -> list[Photo]:
    """Return the photos of a request's body.

    Raises:
        Problem: it is not the JSON that is expected.
    """
    try:
        found = json.loads(body)
    # Of lists a thousand deep, too.
    except (ValueError, RecursionError):
        raise Problem(400, f"the body is not JSON: {EXPECTED}") from None
    rows = found.get("instances") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not rows:
        raise Problem(400, f"the body has no list of instances: {EXPECTED}")
    if (name := found.get("signature_name", SIGNATURE)) != SIGNATURE:
        raise Problem(400, f"there is no signature {str(name)[:80]!r}, but {SIGNATURE!r}")
    if len(rows) > limits.photos:
        raise too_many(limits)
    return [_photo(row, number, limits) for number, row in enumerate(rows)]


def _photo(row: Any, number: int, limits: Limits) -> Photo:
    if isinstance(row, dict) and INPUT in row:
        row = row[INPUT]
    text = row.get("b64") if isinstance(row, dict) else None
    if not isinstance(text, str):
        raise Problem(400, f"instance {number} has no text under b64: {EXPECTED}")
    try:
        return within(base64.b64decode(text, validate=True), limits)
    except (binascii.Error, ValueError):
        return Problem(400, f"instance {number} is not base64")


def answer(answers: Sequence[Answer | Problem]) -> dict[str, Any]:
    """Return the body of the answer, with a row for each photo."""
    return {
        "predictions": [
            {"error": item.reason}
            if isinstance(item, Problem)
            else {
                "probabilities": item.probabilities.tolist(),
                "label": item.label,
                "score": item.score,
            }
            for item in answers
        ]
    }


def status() -> dict[str, Any]:
    """Return the model's status; there is one version, and it is loaded before any request."""
    fine = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{"version": VERSION, "state": "AVAILABLE", "status": fine}]}
