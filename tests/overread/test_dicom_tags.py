import pytest
from pydicom.dataset import Dataset

from overread.dicom_tags import DicomTags, read_tags

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")  # some tests write such values


def dataset(**tags: str) -> Dataset:
    made = Dataset()
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    return made


def test_modality_body_part_age_and_view_are_read() -> None:
    tags = read_tags(dataset(Modality="DX", BodyPartExamined="CHEST", PatientAge="047Y", ViewPosition="AP"))
    assert tags == DicomTags("DX", "CHEST", 47, "AP")


def test_what_is_missing_or_empty_is_none() -> None:
    assert read_tags(Dataset()) == DicomTags()
    assert read_tags(dataset(Modality="", BodyPartExamined="", PatientAge="", ViewPosition="")) == DicomTags()


@pytest.mark.parametrize(
    ("age", "years"), [("018M", 1), ("400D", 1), ("100W", 1), ("003D", 0), ("005Y", 5), ("000Y", None), ("5", None)]
)
def test_age_is_in_whole_years_whatever_its_unit(age: str, years: int | None) -> None:
    assert read_tags(dataset(PatientAge=age)).age == years


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("CHEST", None),
        ("chest", None),
        ("HEAD", "the head"),
        ("C SPINE", "the spine"),
        ("WHOLE BODY", "the whole body"),
        ("ABDOMENCHEST", None),
        ("BRUSTKORB", None),  # a word that the table lacks is no reason to refuse
    ],
)
def test_body_parts_other_than_the_chest_have_names(term: str, expected: str | None) -> None:
    assert read_tags(dataset(BodyPartExamined=term)).other_body_part == expected


def test_no_text_that_somebody_typed_is_kept() -> None:
    """A name in a code's place has another form than a code; one that has the form is never shown as it stands."""
    tags = read_tags(dataset(Modality="DX", BodyPartExamined="DOE^JANE 1970", ViewPosition="JANE"))
    assert tags == DicomTags("DX")
    named = DicomTags("JANE", "DOE")
    assert named.modality_name == "an image of another modality" and named.other_body_part is None
