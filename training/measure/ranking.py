"""AUC and average precision, which depend on the order of the probabilities only, with bootstrap intervals."""

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from training.measure.intervals import SEED, Counts, Estimate, Floats, bootstrap_images

Labels = npt.NDArray[np.integer]


def area_under_roc(labels: Labels, probabilities: Floats, seed: int = SEED) -> Estimate:
    """Return the area under the ROC curve.

    Raises:
        ValueError: if a class has no image.
    """
    require_of_each_class(labels, 1)
    value = float(roc_auc_score(labels, probabilities))
    return bootstrap_images(value, Ranking(labels, probabilities).area_under_roc, len(labels), seed)


def average_precision(labels: Labels, probabilities: Floats, seed: int = SEED) -> Estimate:
    """Return the average precision, the area under the steps of the precision-recall curve.

    Raises:
        ValueError: if a class has no image.
    """
    require_of_each_class(labels, 1)
    value = float(average_precision_score(labels, probabilities))
    return bootstrap_images(value, Ranking(labels, probabilities).average_precision, len(labels), seed)


class Ranking:
    """Images sorted once by falling probability, so that no resample has to be sorted."""

    def __init__(self, labels: Labels, probabilities: Floats) -> None:
        """Sort (N,) labels, 0 or 1, by (N,) probabilities of class 1."""
        self.order = np.argsort(-probabilities, kind="stable")
        self.positive = labels[self.order] == 1
        self.last = np.flatnonzero(np.append(np.diff(probabilities[self.order]), 1))  # of each distinct probability

    def area_under_roc(self, counts: Counts) -> float:
        """Return the AUC of a resample; NaN if it has one class only."""
        true_positives, false_positives = self._predicted(counts)
        pairs = true_positives[-1] * false_positives[-1]
        return float(np.trapezoid(true_positives, false_positives) / pairs) if pairs else float("nan")

    def average_precision(self, counts: Counts) -> float:
        """Return the average precision of a resample; NaN if it has no positives."""
        true_positives, false_positives = self._predicted(counts)
        predicted = np.maximum(true_positives + false_positives, 1)[1:]  # where it is 0, the step's height is 0 too
        area = (np.diff(true_positives) * true_positives[1:] / predicted).sum()
        return float(area / true_positives[-1]) if true_positives[-1] else float("nan")

    def _predicted(self, counts: Counts) -> tuple[Counts, Counts]:
        """Return true and false positives at each distinct threshold, from the highest to the lowest."""
        drawn = counts[self.order]
        steps = (np.cumsum(drawn * self.positive)[self.last], np.cumsum(drawn * ~self.positive)[self.last])
        return np.append(0, steps[0]), np.append(0, steps[1])


def require_of_each_class(labels: Labels, images: int) -> None:
    """Raise ``ValueError`` unless each class has that many images."""
    if min((labels == 1).sum(), (labels == 0).sum()) < images:
        raise ValueError(f"this metric needs at least {images} image(s) of each class")
