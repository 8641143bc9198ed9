import json
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from overread.guard import Guard, Kind, Subject
from overread.lungs import LungNet
from overread.pixel_statistics import pixel_statistics
from overread.session import Float32
from training.measure.guard_evaluation import measure_guard


def grey(level: int, contrast: int = 60) -> Image.Image:
    """Two halves around a grey level."""
    values = np.full((64, 64, 3), level - contrast // 2, np.uint8)
    values[:, 32:] += contrast
    return Image.fromarray(values)


@pytest.fixture
def guard() -> Guard:
    """Accepts a median grey near 0.5, warns from 0.1 and refuses from 0.2 away; the median is the darker half's."""
    mean, precision = pixel_statistics(grey(158)).grey, np.zeros((29, 29))
    precision[3, 3] = 1.0
    subject = Subject("a grey image", True, False, 0.05, ())
    kind = Kind("a grey image", ("grey",), mean, precision, familiar=0.1**2, limit=0.2**2)
    return Guard(subject, (kind,))


def test_outcomes_are_counted_with_intervals_and_reasons(guard: Guard) -> None:
    test = [grey(158), grey(160), grey(158 + 38), grey(158 - 40)]  # the last two 0.15 away
    found = measure_guard(guard, test, {"none": []}, {"dark": [grey(60)] * 3, "blank": [grey(158, contrast=2)] * 2})
    json.dumps(found, allow_nan=False)
    assert found["subject"] == "a grey image" and found["own"] == {}
    assert [found["test"][outcome]["value"] for outcome in ("accepted", "unfamiliar", "refused")] == [0.5, 0.5, 0.0]
    assert found["test"]["reasons"] == {"unlike-learned": 2}
    assert found["foreign"]["dark"]["refused"]["value"] == 1.0
    assert found["foreign"]["dark"]["refused"]["low"] < 1.0
    assert found["foreign"]["blank"]["reasons"] == {"blank": 2}


def test_an_image_without_lungs_is_refused_where_there_is_a_lung_net(guard: Guard) -> None:
    class NoLungs(LungNet):
        def __init__(self) -> None:
            pass

        def __call__(self, images: Sequence[Image.Image]) -> Float32:
            return np.zeros((len(images), 112, 112), np.float32)

    found = measure_guard(guard, [grey(158), grey(160)], {}, {}, NoLungs())
    assert found["test"]["reasons"] == {"no-lungs": 2} and found["test"]["refused"]["value"] == 1


def test_auroc_compares_the_excess_with_that_of_the_test_images(guard: Guard) -> None:
    test, other = [grey(158), grey(190), grey(120)], [grey(150), grey(60)]
    excess = [guard.excess(pixel_statistics(image)) for image in (*test, *other)]
    found = measure_guard(guard, test, {}, {"other": other})
    assert found["foreign"]["other"]["auroc"] == pytest.approx(roc_auc_score([0, 0, 0, 1, 1], excess))
