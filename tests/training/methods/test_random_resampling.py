import numpy as np
import torch
from PIL import Image

from training.methods.random_resampling import RandomResampling

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))


def test_size_and_mode_stay_and_sharpness_varies() -> None:
    torch.manual_seed(0)
    made = [RandomResampling()(NOISE) for _ in range(20)]
    assert {(image.size, image.mode) for image in made} == {((80, 60), "RGB")}
    spread = [np.asarray(image, float).std() for image in made]
    assert min(spread) < 0.7 * max(spread)  # what a film shows is finer or coarser


def test_nothing_moves() -> None:
    torch.manual_seed(0)
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[24:40, 24:40] = 255
    for _ in range(20):
        made = np.asarray(RandomResampling()(Image.fromarray(picture)), float)[..., 0]
        rows, columns = (np.average(np.arange(64), weights=made.sum(axis)) for axis in (1, 0))
        assert abs(rows - 31.5) < 1 and abs(columns - 31.5) < 1
