"""What a model of patches reads of an image that is larger, smaller or of another scale: never a silent squash."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from overread.classifier import UNGUARDED, Classifier
from overread.errors import ImageTooSmallError, LargerThanPatchError, RefusedImageError, UnknownScaleError
from tests.support.dicom_file import dicom
from tests.support.landscape import landscape
from tests.support.tiny_model import write_tiny_model

Field = Callable[[int, int], Image.Image]


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    region = {"spacing_um_per_px": 0.972, "patch_px": 96, "labelled_centre_px": 32}
    return Classifier(write_tiny_model(tmp_path_factory.mktemp("weights") / "p", region), threads=1)


@pytest.fixture
def picture() -> Image.Image:
    """Return 192 x 192 px that change slowly, so that resampling hardly changes them."""
    down, across = np.mgrid[:192, :192]
    return Image.fromarray(np.stack([down, across, 255 - across], -1).astype(np.uint8))


def saved(picture: Image.Image, kind: str, um_per_px: float) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, dpi=(25_400 / um_per_px,) * 2)
    return buffer.getvalue()


def test_a_patch_is_read_as_it_is(patches: Classifier, picture: Image.Image) -> None:
    assert patches.predict(picture.crop((0, 0, 96, 96))).notes == (UNGUARDED,)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_patch_of_another_scale_is_resampled_and_the_answer_says_so(
    patches: Classifier, picture: Image.Image, kind: str
) -> None:
    answer = patches.predict(saved(picture, kind, 0.486))
    expected = patches.predict(picture.resize((96, 96), Image.Resampling.BICUBIC))
    assert answer.log_odds == pytest.approx(expected.log_odds, abs=0.02)  # a PNG's scale is a whole number of px/m
    assert "0.486 µm/px (pixels per inch in the file); read at 0.972 µm/px" in answer.notes[0]
    given = patches.predict(picture, mpp=0.486)
    assert given.log_odds == pytest.approx(expected.log_odds, abs=1e-6) and "given by the caller" in given.notes[0]


def test_a_dicom_patch_brings_its_scale(patches: Classifier, picture: Image.Image) -> None:
    grey = np.asarray(picture.convert("L")).astype(np.uint16)
    with_spacing = pydicom.dcmread(io.BytesIO(dicom(grey)))
    with_spacing.PixelSpacing = [0.000486, 0.000486]
    buffer = io.BytesIO()
    with_spacing.save_as(buffer)
    assert "DICOM PixelSpacing" in patches.predict(buffer.getvalue()).notes[0]
    with pytest.raises(UnknownScaleError):
        patches.predict(dicom(grey))


def test_of_a_little_more_than_a_patch_the_centre_is_read(patches: Classifier, picture: Image.Image) -> None:
    inner = patches.predict(picture.crop((7, 2, 103, 98)))
    for found in (
        patches.predict(picture.crop((0, 0, 110, 101))),
        patches.predict(picture.crop((0, 0, 110, 101)), mpp=1),
    ):
        assert found.log_odds == inner.log_odds
        assert "The centre of 96 x 96 px, out of 110 x 101, was read." in found.notes


@pytest.mark.parametrize("size", [(500, 400), (128, 96), (64, 64)])
def test_another_size_of_unknown_scale_is_not_squashed(patches: Classifier, size: tuple[int, int]) -> None:
    with pytest.raises(UnknownScaleError, match=rf"{size[0]} x {size[1]} px are no patch.*mpp \(40x is about"):
        patches.predict(Image.new("RGB", size))


def test_what_covers_more_or_less_than_a_patch_is_refused(patches: Classifier) -> None:
    with pytest.raises(LargerThanPatchError, match="486 x 389 µm and one patch 93: scan it"):
        patches.predict(Image.new("RGB", (500, 400)), mpp=0.972)
    with pytest.raises(ImageTooSmallError, match="less than the 93 µm"):
        patches.predict(Image.new("RGB", (96, 96)), mpp=0.25)


def test_a_squash_is_done_where_it_is_asked_for_and_said(patches: Classifier) -> None:
    answer = patches.predict(Image.new("RGB", (500, 400)), squash=True)
    assert "500 x 400 px and was squashed to 96 x 96 px, as asked" in answer.notes[0]


def test_a_photograph_is_named_before_its_scale_is_asked_for() -> None:
    model = Classifier(Path(__file__).parents[2] / "models" / "pcam-resnet18", threads=1)
    with pytest.raises(RefusedImageError):
        model.predict(landscape(2000, 1500))
    anyway = model.predict(landscape(2000, 1500), answer_anyway=True)
    assert "Answered anyway" in anyway.notes[0] and "squashed to 96 x 96 px, as asked" in anyway.notes[1]
