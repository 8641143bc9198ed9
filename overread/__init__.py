"""Overread's inference core: overread.load(name).predict(image) -> Prediction. Runs on onnxruntime, without torch."""

from overread.catalogue import catalogue
from overread.classifier import Classifier, load
from overread.errors import InputError, ModelFolderError, OverreadError, RefusedImageError
from overread.prediction import Prediction

__all__ = [
    "Classifier",
    "InputError",
    "ModelFolderError",
    "OverreadError",
    "Prediction",
    "RefusedImageError",
    "load",
    "names",
]


def names(domain: str | None = None) -> list[str]:
    """Return the models' names, or those of one domain ("histopathology", "chest-xray"), the default first."""
    return [entry.name for entry in catalogue().values() if domain in (None, entry.domain)]
