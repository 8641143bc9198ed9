"""The guards in the model folders, on the example images."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from overread.catalogue import MODELS_FOLDER, catalogue
from overread.dicom_tags import DicomTags
from overread.guard import Guard
from overread.guard_file import GUARD_FILE, read_guard
from overread.images import decode

EXAMPLES = Path(__file__).parents[2] / "examples"
FILMS, PATCHES = sorted((EXAMPLES / "chest-xray").glob("*.jp*g")), sorted((EXAMPLES / "histopathology").glob("*.jp*g"))
MODELS = {entry.domain: entry.name for entry in catalogue().values()}


@pytest.fixture(scope="module")
def films() -> Guard:
    return shipped("chest-xray")


@pytest.fixture(scope="module")
def patches() -> Guard:
    return shipped("histopathology")


def shipped(domain: str) -> Guard:
    guard = read_guard(MODELS_FOLDER / MODELS[domain])
    assert guard is not None
    return guard


def test_all_models_of_a_domain_have_the_same_guard_of_less_than_200_kb() -> None:
    for domain in MODELS:
        files = [MODELS_FOLDER / entry.name / GUARD_FILE for entry in catalogue().values() if entry.domain == domain]
        assert len({file.read_bytes() for file in files}) == 1
        assert files[0].stat().st_size < 200_000


@pytest.mark.parametrize("file", FILMS + PATCHES, ids=lambda file: file.stem)
def test_every_example_is_accepted_on_its_tab_and_refused_by_name_on_the_other(
    file: Path, films: Guard, patches: Guard
) -> None:
    own, other = (films, patches) if file in FILMS else (patches, films)
    image = decode(file).picture
    assert own.judge(image).outcome == "accepted"
    refused = other.judge(image)
    name = "a chest film" if file in FILMS else "a stained tissue section"
    assert (refused.outcome, refused.code) == ("refused", "other-kind")
    assert refused.reason == f"This looks like {name}, not {other.subject.name}."


@pytest.mark.parametrize("file", FILMS, ids=lambda file: file.stem)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (ImageOps.invert, "inverted-greys"),
        (ImageOps.flip, "upside-down"),
        (lambda film: film.rotate(180), "upside-down"),
        (lambda film: film.transpose(Image.Transpose.ROTATE_90), "sideways"),
        (lambda film: film.transpose(Image.Transpose.ROTATE_270), "sideways"),
    ],
    ids=["inverted", "flipped", "upside down", "left", "right"],
)
def test_a_film_that_somebody_turned_or_inverted_is_refused_with_the_way_to_mend_it(
    file: Path, change: Callable[[Image.Image], Image.Image], code: str, films: Guard
) -> None:
    verdict = films.judge(change(decode(file).picture))
    assert (verdict.outcome, verdict.code) == ("refused", code)


@pytest.mark.parametrize("file", FILMS, ids=lambda file: file.stem)
def test_mirrored_and_reduced_films_are_accepted(file: Path, films: Guard) -> None:
    """Nets are trained on mirrored films; the data set has films at 224 px."""
    film = decode(file).picture
    for changed in (ImageOps.mirror(film), film.resize((224, 224)), film.resize((500, 300))):
        assert films.judge(changed).outcome == "accepted"


def test_what_is_no_image_of_anything_is_refused_on_both_tabs(films: Guard, patches: Guard) -> None:
    noise = Image.effect_noise((300, 300), 60).convert("RGB")
    page = Image.new("RGB", (400, 300), "white")
    page.paste("black", (20, 20, 380, 40))
    for image in (noise, page, *(Image.new("RGB", (300, 200), colour) for colour in ("black", "white", "red"))):
        assert films.judge(image).outcome == "refused"
        assert patches.judge(image).outcome == "refused"


def test_a_patient_of_an_age_that_was_learned_is_accepted_and_an_older_one_unfamiliar(films: Guard) -> None:
    film = decode(FILMS[0]).picture
    for age in (1, 5, 12, 61):
        assert films.judge(film, DicomTags("DX", "CHEST", age, "AP")).outcome == "accepted"
    verdict = films.judge(film, DicomTags("DX", "CHEST", 97, "AP"))
    assert verdict.outcome == "unfamiliar"
    assert verdict.reason == (
        "The patient's age is 97 years and the view is AP; the model learned from patients of 1 to 85 years."
    )
