"""What a guard in a model folder makes of images: no net for refused ones, a warning on every other doubtful answer."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import overread
from overread.catalogue import MODELS_FOLDER
from overread.classifier import UNGUARDED, Classifier
from overread.errors import ModelFolderError, RefusedImageError
from overread.model_folder import GUARD_FILE
from tests.support.dicom_file import dicom
from tests.support.landscape import landscape, landscape_png
from tests.support.tiny_model import write_tiny_model

EXAMPLES = Path(__file__).parents[2] / "examples"
FILM = EXAMPLES / "chest-xray" / "person1_virus_6.jpeg"
HOW = "No answer was given: answer_anyway gets one, with this warning."


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """The tiny model with the guard of the chest X-ray models."""
    folder = write_tiny_model(tmp_path_factory.mktemp("weights") / "tiny")
    shutil.copy(MODELS_FOLDER / overread.names("chest-xray")[0] / GUARD_FILE, folder)
    return Classifier(folder, threads=1)


def film_as_dicom(**attributes: object) -> bytes:
    grey = np.asarray(Image.open(FILM).convert("L"))
    return dicom(grey.astype(np.uint16) * 16, **attributes)


def test_an_image_of_the_models_kind_is_accepted_without_a_note(guarded: Classifier) -> None:
    answer = guarded.predict(FILM)
    assert answer.guard is not None and answer.guard.outcome == "accepted"
    assert answer.notes == ()
    assert answer.to_json()["guard"]["outcome"] == "accepted"


def test_a_model_without_a_guard_answers_everything_and_says_so(tiny: Classifier) -> None:
    answer = tiny.predict(landscape())
    assert answer.notes == (UNGUARDED,)
    assert answer.guard is None and answer.to_json()["guard"] is None


def test_another_kind_of_image_is_refused_before_the_net_runs(
    guarded: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(images: object) -> None:
        raise AssertionError("the net ran")

    monkeypatch.setattr(guarded, "evidence", never)
    with pytest.raises(RefusedImageError) as refused:
        guarded.predict(landscape())
    assert str(refused.value) == f"This looks like a colour photograph, not a frontal chest film. {HOW}"
    assert refused.value.verdict is not None
    assert (refused.value.verdict.outcome, refused.value.verdict.code) == ("refused", "colour")


def test_answer_anyway_answers_with_the_reason_as_a_warning(guarded: Classifier, tiny: Classifier) -> None:
    answer = guarded.predict(landscape_png(), answer_anyway=True)
    assert answer.log_odds == tiny.predict(landscape_png()).log_odds
    assert answer.guard is not None and answer.guard.outcome == "refused"
    assert answer.notes[0] == (
        "This looks like a colour photograph, not a frontal chest film. "
        "Answered anyway, as requested: the answer may mean nothing."
    )
    read = json.loads(json.dumps(answer.to_json()))
    assert (read["guard"]["outcome"], read["guard"]["code"]) == ("refused", "colour")
    assert read["notes"] == list(answer.notes)


def test_a_film_that_was_turned_is_refused_with_the_way_to_mend_it(guarded: Classifier) -> None:
    with pytest.raises(RefusedImageError, match=r"^The image is upside down: turn it\. No answer was given"):
        guarded.predict(ImageOps.flip(Image.open(FILM).convert("RGB")))


def test_one_refused_image_fails_a_batch_unless_it_is_to_be_answered_anyway(guarded: Classifier) -> None:
    with pytest.raises(RefusedImageError):
        guarded.predict_batch([FILM, landscape()])
    accepted, refused = guarded.predict_batch([FILM, landscape()], answer_anyway=True)
    assert [answer.guard and answer.guard.outcome for answer in (accepted, refused)] == ["accepted", "refused"]
    assert accepted.notes == () and len(refused.notes) == 1


def test_the_tags_of_a_dicom_file_are_heard(guarded: Classifier) -> None:
    assert guarded.predict(film_as_dicom(Modality="DX", PatientAge="003Y", ViewPosition="PA")).notes == ()
    with pytest.raises(RefusedImageError, match=r"^The DICOM file holds a CT slice, not a frontal chest film\."):
        guarded.predict(film_as_dicom(Modality="CT"))
    with pytest.raises(RefusedImageError, match=r"^The DICOM file is of a knee, not of the chest\."):
        guarded.predict(film_as_dicom(Modality="DX", BodyPartExamined="KNEE"))


def test_a_film_of_an_age_that_was_not_learned_is_answered_with_a_warning(guarded: Classifier) -> None:
    answer = guarded.predict(io.BytesIO(film_as_dicom(Modality="DX", PatientAge="097Y", ViewPosition="AP")))
    assert answer.guard is not None and (answer.guard.outcome, answer.guard.code) == ("unfamiliar", "age")
    assert answer.notes[0].startswith("The patient's age is 97 years and the view is AP;")


def test_no_name_in_a_dicom_file_reaches_the_answer(guarded: Classifier) -> None:
    tags = {"PatientName": "Roe^Jane", "PatientID": "JANE1", "BodyPartExamined": "JANE", "Modality": "DX"}
    assert "jane" not in json.dumps(guarded.predict(film_as_dicom(**tags)).to_json()).lower()
    with pytest.raises(RefusedImageError) as refused:
        guarded.predict(film_as_dicom(**{**tags, "Modality": "JANE"}))
    assert "jane" not in f"{refused.value} {refused.value.verdict}".lower()


def test_a_damaged_guard_is_refused_when_the_model_is_loaded(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    (folder / GUARD_FILE).write_bytes(b"no guard")
    with pytest.raises(ModelFolderError, match=r"guard\.npz cannot be used"):
        Classifier(folder)


@pytest.mark.parametrize("name", overread.names())
def test_every_bundled_model_refuses_a_landscape_and_has_its_guard_pinned(name: str) -> None:
    with pytest.raises(RefusedImageError):
        overread.load(name, threads=1).predict(landscape())
