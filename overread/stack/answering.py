"""Answers items with one loaded model; whatever happens to one, the others are answered."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from overread.classifier import Classifier, load
from overread.errors import InputError, RefusedImageError
from overread.images import ImageSource
from overread.overlay_files import OverlayFiles
from overread.stack.outcome import Kind, Outcome, answered, not_answered

log = logging.getLogger("overread")


@dataclass(frozen=True)
class Wanted:
    """What is asked about every image of a stack; see ``Classifier.predict`` for the first ones.

    Attributes:
        operating_point: None for the model's own choice.
        smooth: how the overlay is drawn.
        answer_anyway: also where the guard refuses.
        mpp: um/px of all images, for a model of patches.
        squash: whole images for patches.
        grid: the JSON holds the map's cells.
        overlays: where the overlays are saved.
    """

    operating_point: str | None = None
    smooth: bool = True
    answer_anyway: bool = False
    mpp: float | None = None
    squash: bool = False
    grid: bool = True
    overlays: OverlayFiles | None = None


class Answerable(Protocol):
    """One image of a stack or of a data set; see ``overread.stack.items.Item``."""

    @property
    def path(self) -> Path:
        """Names the image."""

    @property
    def source(self) -> ImageSource:
        """What a classifier takes."""

    def sha256(self) -> str:
        """Return the digest of the file's bytes, or ""."""


def in_a_process(model: str, wanted: Wanted) -> Callable[[Answerable], Outcome]:
    """Return what answers items in a process of its own: the model, loaded there with one thread."""
    return partial(answer, load(model, threads=1), wanted)


def answer(classifier: Classifier, wanted: Wanted, item: Answerable) -> Outcome:
    """Return what became of one item; an error of any kind is its row's sentence."""
    kind: Kind
    try:
        prediction = classifier.predict(
            item.source,
            wanted.operating_point,
            wanted.smooth,
            wanted.answer_anyway,
            mpp=wanted.mpp,
            squash=wanted.squash,
        )
        if wanted.overlays:
            wanted.overlays.save(prediction.overlay, item.path)
        return answered(item.path, prediction, wanted.grid)
    except RefusedImageError as error:
        kind, sentence = "refused", str(error)
    except InputError as error:
        kind, sentence = "unreadable", str(error)
    except Exception as error:  # a bug must not cost the other images their answer; the exit code tells of it
        log.exception("while %s was answered", item.path)
        kind, sentence = "failed", f"Not answered because of a fault of this program ({type(error).__name__})."
    point = classifier.config.operating_point(wanted.operating_point)
    digest = "" if kind == "failed" else item.sha256()  # with a digest, --resume would not try again
    return not_answered(item.path, kind, sentence, digest, classifier.identity, point.name)
