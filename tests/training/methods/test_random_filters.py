import numpy as np
import torch
from PIL import Image

from overread.preprocessing import Preprocessing
from training.methods.random_filters import FILTERS, random_resize


def test_every_filter_is_drawn_and_one_without_antialiasing() -> None:
    torch.manual_seed(0)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    resize = random_resize(Preprocessing(40, 24, "bicubic", (0.5,) * 3, (0.5,) * 3))
    seen = {resize(noise).tobytes() for _ in range(60)}
    assert {noise.resize((24, 40), drawn).tobytes() for drawn in FILTERS} < seen
    assert len(seen) == len(FILTERS) + 1


def test_the_whole_image_is_kept() -> None:
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 96, dtype=np.uint8)[None, :, None], (96, 1, 3)))
    resize = random_resize(Preprocessing(128, 128, "bicubic", (0.5,) * 3, (0.5,) * 3))
    for _ in range(20):
        resized = np.asarray(resize(ramp), float)
        assert resized.shape == (128, 128, 3)
        assert abs(resized.mean() - 127.5) < 1 and resized[:, 0].max() < 4 and resized[:, -1].min() > 251
