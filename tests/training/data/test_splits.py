import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
from PIL import Image as PillowImage

from training.data.data_sets import CHEST_XRAY_PNEUMONIA, PATCH_CAMELYON
from training.data.splits import kind_of, load_split, patient_of

NAMES = [f"person{n}_{kind}_{n * 7}.jpg" for n in range(60) for kind in ("bacteria", "virus")] + [
    f"{prefix}IM-{n:04d}-0001.jpg" for n in range(40) for prefix in ("", "NORMAL2-")
]


def jpeg(seed: int) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(np.random.default_rng(seed).integers(0, 256, (32, 32), np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder in the chest X-ray set's schema, where many patients have two images."""
    folder = tmp_path_factory.mktemp("chest")
    features = Features({"image": Image(), "label": ClassLabel(names=["NORMAL", "PNEUMONIA"])})
    rows = {
        "image": [{"bytes": jpeg(n), "path": name} for n, name in enumerate(NAMES)],
        "label": [int(name.startswith("person")) for name in NAMES],
    }
    (folder / "data").mkdir()
    DatasetDict({"train": Dataset.from_dict(rows, features)})["train"].to_parquet(folder / "data" / "train-0.parquet")
    return str(folder)


def patients(dataset: Dataset) -> set[str]:
    return {patient_of(image["path"]) for image in dataset.cast_column("image", Image(decode=False))["image"]}


def test_no_patient_is_in_train_and_in_validation(chest: str) -> None:
    train, validation = (load_split(CHEST_XRAY_PNEUMONIA, split, chest) for split in ("train", "validation"))
    assert patients(train) | patients(validation) == {patient_of(name) for name in NAMES}
    assert not patients(train) & patients(validation)
    assert 0.08 < len(validation) / len(NAMES) < 0.17


def test_the_seed_determines_the_split(chest: str) -> None:
    first, again, other = (
        patients(load_split(replace(CHEST_XRAY_PNEUMONIA, split_seed=seed), "validation", chest)) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_the_finding_has_label_one(chest: str) -> None:
    validation = load_split(CHEST_XRAY_PNEUMONIA, "validation", chest)
    paths = [image["path"] for image in validation.cast_column("image", Image(decode=False))["image"]]
    assert list(validation["labels"]) == [int(path.startswith("person")) for path in paths]


def test_boolean_labels_are_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = {"image": [{"bytes": jpeg(n), "path": None} for n in range(4)], "label": [True, False, False, True]}
    Dataset.from_dict(rows).cast_column("image", Image()).to_parquet(tmp_path / "data" / "train-0.parquet")
    assert list(load_split(PATCH_CAMELYON, "train", str(tmp_path))["labels"]) == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("person1000_bacteria_2931.jpg", "person1000"),
        ("person1_virus_6.jpeg", "person1"),
        ("IM-0115-0001.jpg", "IM-0115"),
        ("NORMAL2-IM-1427-0001.jpg", "IM-1427"),
    ],
)
def test_the_patient_is_read_from_the_file_name(name: str, patient: str) -> None:
    assert patient_of(name) == patient


@pytest.mark.parametrize(
    ("name", "kind"),
    [("person1_virus_6.jpeg", "virus"), ("person3_bacteria_1.jpg", "bacteria"), ("IM-0115-0001.jpg", "normal")],
)
def test_the_kind_is_read_from_the_file_name(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_a_file_name_without_a_patient_is_refused() -> None:
    with pytest.raises(ValueError, match="names no patient"):
        patient_of("scan.png")


def test_on_the_real_chest_set_train_and_validation_share_no_patient_and_no_file(
    real_data: Path,
) -> None:
    folder = str(real_data / "chest-xray-pneumonia")
    train, validation = (load_split(CHEST_XRAY_PNEUMONIA, split, folder) for split in ("train", "validation"))
    assert len(train) + len(validation) == 5216
    assert not patients(train) & patients(validation)
    raw = [{row["bytes"] for row in d.cast_column("image", Image(decode=False))["image"]} for d in (train, validation)]
    assert not raw[0] & raw[1]
