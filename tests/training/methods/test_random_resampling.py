import numpy as np
import torch
from PIL import Image

from overread.preprocessing import Preprocessing
from training.methods.random_resampling import RESIZING, RandomResampling, random_resize

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))


def test_every_filter_of_a_resize_is_drawn_and_one_without_antialiasing() -> None:
    torch.manual_seed(0)
    resize = random_resize(Preprocessing(40, 24, "bicubic", (0.5,) * 3, (0.5,) * 3))
    seen = {resize(NOISE).tobytes() for _ in range(60)}
    assert {NOISE.resize((24, 40), drawn).tobytes() for drawn in RESIZING} < seen
    assert len(seen) == len(RESIZING) + 1


def test_a_resize_keeps_the_whole_image() -> None:
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 96, dtype=np.uint8)[None, :, None], (96, 1, 3)))
    resize = random_resize(Preprocessing(128, 128, "bicubic", (0.5,) * 3, (0.5,) * 3))
    for _ in range(20):
        resized = np.asarray(resize(ramp), float)
        assert resized.shape == (128, 128, 3)
        assert abs(resized.mean() - 127.5) < 1 and resized[:, 0].max() < 4 and resized[:, -1].min() > 251


def test_resampling_keeps_size_and_mode_and_sharpness_varies() -> None:
    torch.manual_seed(0)
    made = [RandomResampling()(NOISE) for _ in range(20)]
    assert {(image.size, image.mode) for image in made} == {((80, 60), "RGB")}
    spread = [np.asarray(image, float).std() for image in made]
    assert min(spread) < 0.7 * max(spread)  # what a film shows is finer or coarser


def test_resampling_moves_nothing() -> None:
    torch.manual_seed(0)
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[24:40, 24:40] = 255
    for _ in range(20):
        made = np.asarray(RandomResampling()(Image.fromarray(picture)), float)[..., 0]
        rows, columns = (np.average(np.arange(64), weights=made.sum(axis)) for axis in (1, 0))
        assert abs(rows - 31.5) < 1 and abs(columns - 31.5) < 1
