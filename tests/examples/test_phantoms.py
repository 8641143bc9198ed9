"""The drawn example pictures: their format, their reproducibility, and that they show what their captions say."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from examples.chest_phantom import Opacity, chest
from examples.phantoms import CAPTIONS, FOLDER, PHANTOMS, Phantom, write_all
from examples.tissue_phantom import fat_patch, lymphoid_patch, metastasis_patch, stroma_patch, tumour_nest_patch

Draw = Callable[[int], Image.Image]
Box = tuple[int, int, int, int]
PATCHES = (lymphoid_patch, metastasis_patch, tumour_nest_patch, stroma_patch, fat_patch)
FORMATS = {"histopathology": ("RGB", (96, 96)), "chest-xray": ("L", (512, 512))}
RIGHT_LOWER, LEFT_LOWER = (100, 300, 170, 350), (342, 300, 412, 350)  # lung fields, the patient facing us
RIGHT_MID, LEFT_MID = (100, 230, 180, 300), (332, 230, 412, 300)
RIGHT_LUNG, LEFT_LUNG = (100, 230, 180, 350), (332, 230, 412, 350)
each_phantom = pytest.mark.parametrize("phantom", PHANTOMS, ids=lambda phantom: phantom.name)


def pixels(image: Image.Image) -> NDArray[np.float64]:
    """Return the picture as float64, (height, width) or (height, width, 3)."""
    return np.asarray(image).astype(np.float64)


@cache
def film(seed: int, opacity: Opacity = "none") -> Image.Image:
    """Return `chest`, drawn once for all tests."""
    return chest(seed, opacity)


def share_where_a_disc_fits(image: Image.Image, radius: int) -> float:
    """Return which share of the centre's nuclear area is the middle of a disc of nuclear area, `radius` in px or um.

    Nuclear means an optical density over 0.2 in red, the colour that haematoxylin absorbs and eosin does not.
    """
    red = pixels(image.filter(ImageFilter.GaussianBlur(0.7)))[24:72, 24:72, 0]
    nuclear = -np.log10(np.maximum(red, 1) / 243) > 0.2
    reach = range(-radius, radius + 1)
    disc = [(dy, dx) for dy in reach for dx in reach if dy**2 + dx**2 <= radius**2]
    padded = np.pad(nuclear, radius)
    height, width = nuclear.shape
    fits = np.all([padded[radius + dy :, radius + dx :][:height, :width] for dy, dx in disc], axis=0)
    return float(fits.sum() / nuclear.sum())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the command writes."""
    folder = tmp_path_factory.mktemp("examples")
    write_all(folder)
    return folder


@each_phantom
def test_mode_and_size_are_the_domain_s(phantom: Phantom, written: Path) -> None:
    """Patches are 96x96 colour, films 512x512 gray."""
    with Image.open(written / phantom.file) as image:
        assert (image.mode, image.size) == FORMATS[phantom.domain]


@each_phantom
def test_drawing_again_gives_the_same_pixels(phantom: Phantom, written: Path) -> None:
    """Same seed, same bytes."""
    with Image.open(written / phantom.file) as image:
        assert image.tobytes() == phantom.draw().tobytes()


@each_phantom
def test_committed_picture_is_what_the_code_draws(phantom: Phantom, written: Path) -> None:
    """One gray level of slack: another processor's exponential may differ in the last bit before rounding."""
    with Image.open(FOLDER / phantom.file) as committed, Image.open(written / phantom.file) as image:
        assert np.abs(pixels(committed) - pixels(image)).max() <= 1


def test_committed_captions_are_the_table_s(written: Path) -> None:
    """captions.json lists exactly the phantoms, and every caption says that it is one."""
    entries = json.loads((FOLDER / CAPTIONS).read_text(encoding="utf-8"))
    assert entries == json.loads((written / CAPTIONS).read_text(encoding="utf-8"))
    assert [entry["file"] for entry in entries] == [phantom.file for phantom in PHANTOMS]
    assert all(entry["caption"].startswith("synthetic phantom: ") for entry in entries)


def test_the_whole_set_stays_small_enough_to_commit(written: Path) -> None:
    """Under 1.5 MB together."""
    assert sum(path.stat().st_size for path in written.glob("*/*.png")) < 1.5e6


@pytest.mark.parametrize("draw", [*PATCHES, chest], ids=lambda draw: draw.__name__)
def test_another_seed_draws_another_picture(draw: Draw) -> None:
    """Most pixels differ."""
    assert np.mean(pixels(draw(1)) != pixels(draw(2))) > 0.5


def test_tumour_nuclei_are_larger_than_lymphocytes() -> None:
    """A disc of 9 um fits into tumour nuclei and hardly ever into lymphocytes, even where these overlap."""
    small = np.mean([share_where_a_disc_fits(lymphoid_patch(seed), 4) for seed in range(4)])
    large = np.mean([share_where_a_disc_fits(metastasis_patch(seed), 4) for seed in range(4)])
    assert small < 0.01
    assert large > 5 * small


@pytest.mark.parametrize(
    ("opacity", "bright", "spared"),
    [
        ("right-lower", [RIGHT_LOWER], [LEFT_LOWER, LEFT_MID]),
        ("left-mid", [LEFT_MID], [RIGHT_LOWER, RIGHT_MID]),
        ("bilateral", [RIGHT_LUNG, LEFT_LUNG], []),
    ],
)
def test_an_opacity_brightens_its_own_lung_field_only(opacity: Opacity, bright: list[Box], spared: list[Box]) -> None:
    """Against the clear film of the same patient, in 8-bit gray levels."""
    for seed in (11, 13, 14):
        clear, opaque = film(seed), film(seed, opacity)
        gain = {box: pixels(opaque.crop(box)).mean() - pixels(clear.crop(box)).mean() for box in bright + spared}
        assert all(gain[box] > 10 for box in bright), gain
        assert all(abs(gain[box]) < 5 for box in spared), gain


def test_an_unknown_opacity_is_refused_with_the_known_ones_named() -> None:
    """The message lists what may be asked for."""
    with pytest.raises(ValueError, match="none, right-lower, left-mid, bilateral"):
        chest(0, "upper")  # type: ignore[arg-type]


def test_lungs_are_darker_than_mediastinum_and_air_round_the_body_is_darkest() -> None:
    """The film's gray order, as on a real one."""
    image = film(11)
    lung, heart, air = (pixels(image.crop(box)).mean() for box in (RIGHT_MID, (240, 250, 290, 320), (0, 420, 12, 500)))
    assert air + 30 < lung < heart - 60
