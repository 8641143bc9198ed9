"""What became of one image: its answer or the sentence why there is none, as a line of text, a CSV row and JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from overread.prediction import ModelIdentity, Prediction

CSV_COLUMNS = (
    *("file", "reading", "decision", "probability", "threshold", "operating_point", "model"),
    *("guard", "notes", "error", "image_sha256", "model_sha256"),
)
Kind = Literal["answered", "refused", "unreadable", "failed"]


@dataclass(frozen=True)
class Outcome:
    """One image's row, ready to be written; it crosses between processes, so it holds no pixels.

    Attributes:
        path: of the image, see ``overread.stack.items.Item``.
        kind: "refused" by the guard, "unreadable" input, or "failed" through no fault of the input.
        text: for a person.
        row: by ``CSV_COLUMNS``.
        document: for JSON.
    """

    path: Path
    kind: Kind
    text: str
    row: Mapping[str, Any]
    document: Mapping[str, Any]

    @property
    def line(self) -> str:
        """The document as one line."""
        return json.dumps(self.document)


def answered(path: Path, prediction: Prediction, grid: bool) -> Outcome:
    """Return the outcome of an image that was answered; its JSON holds the map's cells if ``grid`` says so."""
    point = prediction.operating_point
    disagree = "; members disagree" if prediction.members_disagree else ""
    text = (
        f"{path}: {prediction.reading.text} (probability of {prediction.finding} {prediction.probability:.3f}; "
        f"at the {point.name} threshold of {point.threshold:.3f}: {prediction.decision}{disagree})"
    )
    row = {
        "file": str(path),
        "reading": prediction.reading.text,
        "decision": prediction.decision,
        "probability": prediction.probability,
        "threshold": point.threshold,
        "operating_point": point.name,
        "model": prediction.model.name,
        "guard": prediction.guard.outcome if prediction.guard else "",
        "notes": " ".join(prediction.notes),
        "error": "",
        "image_sha256": prediction.image_sha256,
        "model_sha256": prediction.model.sha256,
    }
    lungs = prediction.lungs.sentence if prediction.lungs else ""
    beside = [*([lungs] if lungs else []), *(f"note: {note}" for note in prediction.notes)]
    text += "".join(f"\n  {line}" for line in beside)
    return Outcome(path, "answered", text, row, {"image": str(path), **prediction.to_json(grid)})


def not_answered(
    path: Path, kind: Kind, sentence: str, digest: str, model: ModelIdentity, operating_point: str
) -> Outcome:
    """Return the outcome of an image without an answer.

    Args:
        path: of the image.
        kind: why.
        sentence: what was wrong and what to do.
        digest: SHA-256 of the file, or "".
        model: which model was asked.
        operating_point: at which threshold.
    """
    guard = "refused" if kind == "refused" else ""
    row = dict.fromkeys(CSV_COLUMNS, "") | {
        "file": str(path),
        "operating_point": operating_point,
        "model": model.name,
        "guard": guard,
        "error": sentence,
        "image_sha256": digest,
        "model_sha256": model.sha256,
    }
    document = {
        "image": str(path),
        "error": sentence,
        "kind": kind,
        "image_sha256": digest,
        "model": {"name": model.name, "sha256": model.sha256},
        "operating_point": {"name": operating_point},
    }
    return Outcome(path, kind, f"{path}: {sentence}", row, document)
