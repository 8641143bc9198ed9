import numpy as np

from overread.model_folder import OperatingPoint
from training.measure.predictions import Predictions
from training.reports.model_card import constant_note

POINT = OperatingPoint("balanced", 0.5, 0.9, 0.9, "")


def test_positive_answers_that_only_the_constant_makes_are_counted() -> None:
    """Of log-odds 1, 2 and 3 with a constant of 2, the cells add up to -1, 0 and 1; the negative one is no answer."""
    made = Predictions(np.array([0, 1, 1, 1]), np.array([-1.0, 1.0, 2.0, 3.0]))
    text = constant_note(made, 2.0, POINT)
    assert "+2.00 log-odds" in text and "3 test images are positive; in 2 of them" in text
    assert "in 0 of them" in constant_note(made, -0.5, POINT)
