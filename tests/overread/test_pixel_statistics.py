import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy.fft import dctn

from overread.pixel_statistics import pixel_statistics


def noise(seed: int, side: int = 96) -> Image.Image:
    """Smooth coloured noise, so that every statistic has something to measure."""
    values = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)
    return Image.fromarray(values).resize((side, side), Image.Resampling.BICUBIC)


def test_layout_is_scipys_cosine_transform_of_the_cells() -> None:
    image = noise(1)
    grey = np.asarray(image, np.float64).mean(axis=2) / 255
    cells = grey.reshape(16, 6, 16, 6).mean(axis=(1, 3))
    cells -= cells.mean()
    expected = dctn(cells, norm="ortho") / (np.linalg.norm(cells) + 0.01)
    wanted = [expected[down, across] for down in range(8) for across in range(8) if 0 < down + across < 8]
    assert pixel_statistics(image).layout == pytest.approx(wanted, abs=1e-5)


def test_optical_density_is_that_of_numpy() -> None:
    image = noise(2)
    density = -np.log(np.maximum(np.asarray(image, np.float64), 1) / 255).reshape(-1, 3)
    found = pixel_statistics(image).colour
    assert found[:3] == pytest.approx(density.mean(axis=0), rel=1e-4)
    assert found[3:6] == pytest.approx(np.log(density.var(axis=0, ddof=1) + 1e-4), rel=1e-4)
    assert found[10] == pytest.approx(np.median(density[:, 0]), abs=0.01)  # red: 5 %, 50 %, 95 %


def test_grey_quantiles_are_those_of_numpy() -> None:
    image = noise(3)
    grey = np.asarray(image, np.float64).mean(axis=2) / 255
    expected = np.quantile(grey, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
    assert pixel_statistics(image).grey[:7] == pytest.approx(expected, abs=0.01)


def test_a_mirrored_and_an_upside_down_image_need_no_second_measurement() -> None:
    image = noise(4)
    found = pixel_statistics(image)
    for changed, derived in ((ImageOps.mirror(image), found.mirrored()), (ImageOps.flip(image), found.upside_down())):
        measured = pixel_statistics(changed)
        assert derived.layout == pytest.approx(measured.layout, abs=1e-6)
        assert derived.colour == pytest.approx(measured.colour, abs=1e-4)
        direction = slice(0, 26)  # the diagonal direction of edges, the last texture statistic, is turned by either
        assert derived.grey[direction] == pytest.approx(measured.grey[direction], abs=1e-4)


def test_size_and_aspect_ratio_of_the_image_hardly_matter() -> None:
    small, large = pixel_statistics(noise(5, 192)), pixel_statistics(noise(5, 192).resize((900, 1400)))
    assert large.layout == pytest.approx(small.layout, abs=0.01)
    assert large.grey[:7] == pytest.approx(small.grey[:7], abs=0.02)


def test_grey_images_have_no_colour_and_pure_colours_have_much() -> None:
    assert pixel_statistics(noise(6).convert("L").convert("RGB")).colourfulness == 0
    halves = Image.new("RGB", (96, 96), "red")
    halves.paste((0, 0, 255), (0, 0, 48, 96))
    assert pixel_statistics(halves).colourfulness > 100


def test_colourfulness_by_hand() -> None:
    """Hasler and Süsstrunk: one colour has no spread, so 0.3 times the length of (R - G, (R + G) / 2 - B)."""
    one = Image.new("RGB", (96, 96), (200, 100, 50))
    assert pixel_statistics(one).colourfulness == pytest.approx(0.3 * np.hypot(100, 100), rel=1e-3)


@pytest.mark.parametrize("colour", ["black", "white", "grey"])
def test_blank_images_have_finite_statistics_and_no_contrast(colour: str) -> None:
    found = pixel_statistics(Image.new("RGB", (64, 80), colour))
    assert found.contrast == 0
    assert all(np.isfinite(part).all() for part in (found.grey, found.colour, found.layout))
