"""A model of patches that takes milliseconds, where the app expects its loaded models."""

from pathlib import Path

from overread.classifier import Classifier
from tests.support.tiny_model import write_tiny_model

REGION = {"spacing_um_per_px": 0.972, "patch_px": 96, "labelled_centre_px": 32}


class OneModel:
    """Stands for a service that has this model only."""

    def __init__(self, folder: Path) -> None:
        """Write the model into a folder and load it."""
        self._classifier = Classifier(write_tiny_model(folder / "tiny-patches", REGION), threads=1)

    def classifier(self, domain: str, name: str = "") -> Classifier:
        """Return the model, whatever is asked for."""
        return self._classifier
