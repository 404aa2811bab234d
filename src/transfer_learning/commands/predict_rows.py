"""Answers as rows of text: a table for people, CSV, or a JSON object a line."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from collections.abc import Sequence

from transfer_learning.classifier.classifier import Answer, Refused
from transfer_learning.sources.layout import is_text

# Of probabilities in CSV and JSON.
DECIMALS = 4
UNSURE = "unsure"


class Rows:
    """Rows of one format, as bytes: names of files need not be text.

    A name goes into CSV byte by byte. In JSON, bytes that are no UTF-8 are lone surrogates, as
    Python has them (``os.fsencode`` gives the bytes back), and ``photo_base64`` holds all of them.
    """

    def __init__(self, kind: str, classes: Sequence[str], *, top: int, threshold: float) -> None:
        self._kind = kind
        self._classes = classes
        self._top = min(top, len(classes))
        self._threshold = threshold
        self._width = max(map(len, [*classes, "no answer"]))

    def header(self) -> bytes:
        """Return what stands above the rows."""
        if self._kind != "csv":
            return b""
        others = [
            name
            for place in range(2, self._top + 1)
            for name in (f"label_{place}", f"score_{place}")
        ]
        return _csv(["photo", "label", "score", "sure", "reason", *others])

    def row(self, photo: str, answer: Answer | Refused) -> bytes:
        """Return the row of a photo, with its line's end."""
        match self._kind:
            case "csv":
                return self._csv(photo, answer)
            case "jsonl":
                return self._json(photo, answer)
        return self._line(photo, answer)

    def _best(self, answer: Answer) -> list[tuple[str, float]]:
        # Of equal ones the class listed first, as the answer has it.
        order = (-answer.probabilities).argsort(kind="stable")[: self._top]
        return [(self._classes[index], float(answer.probabilities[index])) for index in order]

    def _sure(self, answer: Answer) -> bool:
        return answer.score >= self._threshold

    def _csv(self, photo: str, answer: Answer | Refused) -> bytes:
        if isinstance(answer, Refused):
            return _csv([photo, "", "", "", answer.reason, *[""] * (2 * self._top - 2)])
        (label, score), *others = self._best(answer)
        rest = [cell for name, value in others for cell in (name, f"{value:.{DECIMALS}f}")]
        sure = "true" if self._sure(answer) else "false"
        return _csv([photo, label, f"{score:.{DECIMALS}f}", sure, "", *rest])

    def _json(self, photo: str, answer: Answer | Refused) -> bytes:
        found: dict[str, object] = {"photo": photo}
        if not is_text(photo):
            found["photo_base64"] = base64.b64encode(os.fsencode(photo)).decode()
        if isinstance(answer, Refused):
            found["reason"] = answer.reason
        else:
            found |= {
                "label": answer.label,
                "score": round(answer.score, DECIMALS),
                "sure": self._sure(answer),
                "top": [
                    {"label": name, "score": round(value, DECIMALS)}
                    for name, value in self._best(answer)
                ],
            }
        # Escaped, because surrogates cannot be encoded.
        return json.dumps(found, ensure_ascii=not is_text(photo)).encode() + b"\n"

    def _line(self, photo: str, answer: Answer | Refused) -> bytes:
        name = "".join(part if part.isprintable() else repr(part)[1:-1] for part in photo)
        if isinstance(answer, Refused):
            text = f"{'no answer':<{self._width}}  {name}: {answer.reason}"
        else:
            (label, score), *others = self._best(answer)
            rest = ", ".join(f"{other} {value:.1%}" for other, value in others)
            said = "" if self._sure(answer) else UNSURE
            text = f"{label:<{self._width}} {score:6.1%} {said:<6}  {name}"
            text += f"  ({rest})" if rest else ""
        return text.encode(errors="backslashreplace") + b"\n"


def _csv(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode(errors="surrogateescape")
