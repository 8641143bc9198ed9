"""Guards of two invented subjects: grey with a bright band at the top; and red and blue noise."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from overread.dicom_tags import DicomTags
from overread.errors import ModelFolderError
from overread.guard import Guard, Kind, Part, Subject, Verdict
from overread.guard_file import GUARD_FILE, read_guard, write_guard
from overread.pixel_statistics import pixel_statistics

FILM = Subject("a film", True, True, 0.05, ("CR", "DX"), "the chest", (0, 5))
PATCH = Subject("a patch", False, False, 0.01, ("SM",))


def film(seed: int, brightness: float = 0.0) -> Image.Image:
    """A grey image with a bright upper third, and noise."""
    random = np.random.default_rng(seed)
    down = np.where(np.arange(96) < 32, 200.0, 70.0)[:, None] + random.normal(0, 12, (96, 96))
    down += random.normal(0, 5) + 50 * brightness
    return Image.fromarray(np.clip(down, 0, 255).astype(np.uint8)).convert("RGB")


def patch(seed: int) -> Image.Image:
    """Smooth noise in red and blue."""
    random = np.random.default_rng(seed)
    values = random.normal((190, 60, 150), (25, 15, 25), (24, 24, 3)) + random.normal(0, 4, 3)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).resize((96, 96), Image.Resampling.BICUBIC)


def kind(make: Callable[[int], Image.Image], parts: tuple[Part, ...], name: str, warning: str = "") -> Kind:
    rows = [pixel_statistics(make(seed)) for seed in range(200)]
    values = np.array([np.concatenate([getattr(row, part) for part in parts]) for row in rows])
    precision = np.linalg.inv(np.cov(values.T) + 1e-4 * np.eye(values.shape[1]))
    distances = np.einsum("nd,de,ne->n", values - values.mean(0), precision, values - values.mean(0))
    familiar, limit = np.quantile(distances, [0.9, 1.0])
    return Kind(name, parts, values.mean(0), precision, 1.2 * float(familiar), 2.0 * float(limit), warning)


@pytest.fixture(scope="module")
def films() -> Guard:
    bright = kind(lambda seed: film(seed, 0.6), ("grey", "layout"), "a film", "The film is too bright.")
    return Guard(
        FILM, (kind(film, ("grey", "layout"), "a film"),), (bright,), (kind(patch, ("grey", "colour"), "a patch"),)
    )


@pytest.fixture(scope="module")
def patches(films: Guard) -> Guard:
    return Guard(PATCH, (films.others[0],), (), films.learned)


def test_an_image_like_those_learned_from_is_accepted_without_a_word(films: Guard, patches: Guard) -> None:
    for verdict in (films.judge(film(1000)), patches.judge(patch(1000))):
        assert (verdict.outcome, verdict.code, verdict.reason) == ("accepted", "", "")
        assert verdict.distance is not None and verdict.distance < 1


def test_an_image_like_those_of_a_wider_kind_is_unfamiliar_and_has_that_kinds_warning(films: Guard) -> None:
    verdict = films.judge(film(1000, 0.6))
    assert (verdict.outcome, verdict.code, verdict.reason) == (
        "unfamiliar",
        "unlike-learned",
        "The film is too bright.",
    )


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (ImageOps.invert, "inverted-greys", "The greys are inverted"),
        (ImageOps.flip, "upside-down", "The image is upside down"),
        (lambda image: image.transpose(Image.Transpose.ROTATE_180), "upside-down", "The image is upside down"),
        (lambda image: image.transpose(Image.Transpose.ROTATE_90), "sideways", "The image lies on its side"),
        (lambda image: image.transpose(Image.Transpose.ROTATE_270), "sideways", "The image lies on its side"),
        (lambda image: Image.new("RGB", (300, 200), (90, 90, 90)), "blank", "The image is almost blank"),
        (lambda image: Image.new("RGB", (300, 200), "red"), "blank", "The image is almost blank"),
        (lambda image: patch(1000), "other-kind", "This looks like a patch, not a film"),
        (lambda image: painted(image), "colour", "This looks like a colour photograph, not a film"),
        (lambda image: chessboard(), "other", "This does not look like a film"),
    ],
    ids=["inverted", "flipped", "turned", "left", "right", "blank", "red", "patch", "colours", "chessboard"],
)
def test_what_is_refused_is_named(
    films: Guard, change: Callable[[Image.Image], Image.Image], code: str, words: str
) -> None:
    verdict = films.judge(change(film(1000)))
    assert (verdict.outcome, verdict.code) == ("refused", code)
    assert verdict.reason.startswith(words)


def painted(image: Image.Image) -> Image.Image:
    """A film with strong colours in its lower half."""
    image = image.copy()
    image.paste((230, 120, 0), (0, 48, 48, 96))
    image.paste((0, 60, 230), (48, 48, 96, 96))
    return image


def chessboard() -> Image.Image:
    return Image.fromarray((np.indices((96, 96)).sum(0) % 2 * 255).astype(np.uint8)).convert("RGB")


def test_an_image_without_colour_is_named_where_colour_is_expected(patches: Guard) -> None:
    verdict = patches.judge(chessboard())
    assert (verdict.outcome, verdict.code) == ("refused", "grey")
    assert verdict.reason == "This is an image without colour, not a patch."
    assert patches.judge(film(1000)).reason == "This looks like a film, not a patch."


def test_a_slight_tint_is_a_warning(films: Guard) -> None:
    warm = np.asarray(film(1000)).astype(int) + np.array([35, 0, -35])  # of the same brightness
    verdict = films.judge(Image.fromarray(np.clip(warm, 0, 255).astype(np.uint8)))
    assert (verdict.outcome, verdict.code) == ("unfamiliar", "tinted")


def test_mirrored_films_and_turned_patches_are_accepted(films: Guard, patches: Guard) -> None:
    assert films.judge(ImageOps.mirror(film(1000))).outcome == "accepted"
    assert patches.judge(patch(1000).transpose(Image.Transpose.ROTATE_90)).outcome == "accepted"


@pytest.mark.parametrize(
    ("tags", "outcome", "reason"),
    [
        (DicomTags("CT"), "refused", "The DICOM file holds a CT slice, not a film."),
        (DicomTags("ZZ"), "refused", "The DICOM file holds an image of another modality, not a film."),
        (DicomTags("DX", "HAND"), "refused", "The DICOM file is of a hand, not of the chest."),
        (DicomTags("DX", "CHEST", 47, "AP"), "unfamiliar", "The patient's age is 47 years and the view is AP; "),
        (DicomTags(age=47), "unfamiliar", "The patient's age is 47 years; the model learned from patients of 0 to 5"),
        (DicomTags("CR", "CHEST", 3, "LL"), "unfamiliar", "The view is LL; the model learned from frontal films."),
        (DicomTags("CR", "CHEST", 3, "AP"), "accepted", ""),
        (DicomTags(), "accepted", ""),
        (None, "accepted", ""),
    ],
)
def test_dicom_tags_refuse_by_name_or_inform_the_warning(
    films: Guard, tags: DicomTags | None, outcome: str, reason: str
) -> None:
    verdict = films.judge(film(1000), tags)
    assert verdict.outcome == outcome and verdict.reason.startswith(reason)
    assert bool(verdict.reason) == bool(reason)


def test_pixels_refuse_whatever_the_tags_say_and_both_warnings_are_given(films: Guard) -> None:
    chest = DicomTags("DX", "CHEST", 47, "PA")
    assert films.judge(ImageOps.invert(film(1000)), chest).code == "inverted-greys"
    both = films.judge(film(1000, 0.6), chest)
    assert both.outcome == "unfamiliar"
    assert "47 years" in both.reason and both.reason.endswith("The film is too bright.")


def test_a_subject_without_a_body_part_ignores_view_and_age(patches: Guard) -> None:
    assert patches.judge(patch(1000), DicomTags("SM", "HAND", 47, "LL")).outcome == "accepted"
    assert patches.judge(patch(1000), DicomTags("CR")).reason == "The DICOM file holds a radiograph, not a patch."


def test_distances_are_those_of_scipy(films: Guard) -> None:
    from scipy.spatial.distance import mahalanobis

    seen, (learned,) = pixel_statistics(film(1001)), films.learned
    values = np.concatenate([seen.grey, seen.layout])
    expected = mahalanobis(values, learned.mean, learned.precision) ** 2
    assert learned.squared_distance(seen) == pytest.approx(expected)
    assert films.judge(film(1001)).distance == pytest.approx(expected / learned.familiar)


def test_a_film_is_accepted_that_is_like_one_of_two_kinds_learned_from(films: Guard) -> None:
    both = dataclasses.replace(films, learned=(*films.learned, *films.wider), wider=())
    for brightness in (0.0, 0.6):
        assert both.judge(film(1000, brightness)).outcome == "accepted"
    distances = [kind.unfamiliarity(pixel_statistics(film(1000, 0.6))) for kind in both.learned]
    assert both.judge(film(1000, 0.6)).distance == pytest.approx(min(distances))
    assert both.judge(ImageOps.flip(film(1000))).outcome == "refused"


def test_a_guard_survives_its_file(films: Guard, patches: Guard, tmp_path: Path) -> None:
    for guard in (films, patches):
        file = write_guard(guard, tmp_path)
        read = read_guard(tmp_path)
        assert file.stat().st_size < 200_000
        assert read is not None and read.subject == guard.subject
        for image in (film(1000), film(1000, 0.6), patch(1000), ImageOps.flip(film(1000)), chessboard()):
            expected, found = guard.judge(image), read.judge(image)
            assert found == dataclasses.replace(expected, distance=found.distance)
            assert found.distance == pytest.approx(expected.distance, rel=1e-2, abs=1e-2)


def test_equal_guards_have_equal_files(films: Guard, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert write_guard(films, tmp_path / "a").read_bytes() == write_guard(films, tmp_path / "b").read_bytes()


def test_a_folder_without_a_guard_has_none(tmp_path: Path) -> None:
    assert read_guard(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_an_error_of_the_model_folder(content: bytes, tmp_path: Path) -> None:
    (tmp_path / GUARD_FILE).write_bytes(content)
    with pytest.raises(ModelFolderError, match=f"{tmp_path.name}/{GUARD_FILE} cannot be used"):
        read_guard(tmp_path)


def test_an_archive_that_is_no_guard_is_an_error_of_the_model_folder(tmp_path: Path) -> None:
    np.savez(tmp_path / GUARD_FILE, header=np.array("{}"))
    with pytest.raises(ModelFolderError, match="cannot be used"):
        read_guard(tmp_path)


def test_a_verdict_is_plain_json() -> None:
    assert json.loads(json.dumps(Verdict("refused", "blank", "The image is almost blank.", 12.34567).to_json())) == {
        "outcome": "refused",
        "code": "blank",
        "reason": "The image is almost blank.",
        "distance": 12.346,
    }
    assert Verdict("refused", "modality", "…").to_json()["distance"] is None
