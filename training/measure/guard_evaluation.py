"""What a guard says about images of its kind and of other kinds: outcomes with 95 % intervals, and AUROC."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score

from overread.guard import Guard, Verdict
from overread.lungs import LungNet, SeenLungs
from overread.pixel_statistics import pixel_statistics
from training.measure.intervals import proportion

GUARD_EVALUATION_FILE = "guard_evaluation.json"


class SetMeasurement:
    """The verdicts on a set of images, and their excess, the score that AUROC is of."""

    def __init__(self, guard: Guard, images: Sequence[Image.Image], lung_net: LungNet | None = None) -> None:
        """Judge every RGB image of the set, as the app does where there is a lung net."""
        self.verdicts: list[Verdict] = [
            guard.judge(image, lungs=SeenLungs(lung_net, image) if lung_net else None) for image in images
        ]
        self.excess = np.array([guard.excess(pixel_statistics(image)) for image in images])

    def to_json(self) -> dict[str, Any]:
        """Return counts, proportions with Wilson intervals, and how often each reason was given."""
        outcomes = Counter(verdict.outcome for verdict in self.verdicts)
        images = len(self.verdicts)
        return {
            "images": images,
            **{outcome: proportion(outcomes[outcome], images) for outcome in ("accepted", "unfamiliar", "refused")},
            "reasons": dict(Counter(verdict.code for verdict in self.verdicts if verdict.code).most_common()),
        }


def measure_guard(
    guard: Guard,
    test: Sequence[Image.Image],
    own: Mapping[str, Sequence[Image.Image]],
    foreign: Mapping[str, Sequence[Image.Image]],
    lung_net: LungNet | None = None,
) -> dict[str, Any]:
    """Return what ``guard_evaluation.json`` holds.

    Args:
        guard: of the model.
        test: images of the test split, which AUROC compares every other set with.
        own: more sets that belong to the subject, such as another hospital's, by name.
        foreign: sets that should be refused.
        lung_net: of the domain; AUROC is of the pixels' statistics alone.
    """
    known = SetMeasurement(guard, test, lung_net)
    result: dict[str, Any] = {"subject": guard.subject.name, "test": known.to_json(), "own": {}, "foreign": {}}
    for group, sets in (("own", own), ("foreign", foreign)):
        for name, images in sets.items():
            if not images:
                continue
            found = SetMeasurement(guard, images, lung_net)
            labels = np.repeat([0, 1], [len(known.excess), len(found.excess)])
            auroc = float(roc_auc_score(labels, np.concatenate([known.excess, found.excess])))
            result[group][name] = {"auroc": auroc, **found.to_json()}
    return result
