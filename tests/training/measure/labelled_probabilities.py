"""Labels and probabilities with ties that several tests measure."""

import numpy as np

from training.measure.intervals import Floats
from training.measure.ranking import Labels

# Fifteen images with ties, within a class and across.
LABELS = np.array([0] * 8 + [1] * 7)
A = np.array([0.05, 0.10, 0.20, 0.30, 0.30, 0.45, 0.60, 0.15, 0.40, 0.55, 0.60, 0.70, 0.80, 0.90, 0.25])
B = np.array([0.10, 0.30, 0.20, 0.50, 0.40, 0.35, 0.70, 0.60, 0.30, 0.65, 0.20, 0.80, 0.45, 0.75, 0.50])


def overlapping(images: int, seed: int, distance: float = 1.0) -> tuple[Labels, Floats]:
    """Two overlapping classes; probabilities are rounded, so that some are equal."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % 2
    return labels, np.round(1 / (1 + np.exp(-random.normal(distance * labels, 1.0))), 2)
