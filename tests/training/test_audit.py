import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Image, Value
from PIL import Image as PillowImage
from sklearn.metrics import roc_auc_score

from training.audit import explore
from training.data.data_sets import CHEST_XRAY_PNEUMONIA, PATCH_CAMELYON
from training.measure.shortcuts import (
    NOT_JPEG,
    Look,
    find_duplicates,
    find_patients,
    jpeg_quality,
    look_at,
    single_number_auc,
)

Row = tuple[str, bytes, int]  # file name, file, label
SPLITS = ("train", "validation", "test")


def noise(seed: int, width: int = 40, height: int = 40, colour: bool = True) -> PillowImage.Image:
    shape = (height, width, 3) if colour else (height, width)
    return PillowImage.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def file(picture: PillowImage.Image, kind: str = "JPEG", **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def write(folder: Path, split: str, rows: Sequence[Row], label: ClassLabel | Value) -> None:
    (folder / "data").mkdir(exist_ok=True)
    columns = {
        "image": [{"bytes": content, "path": name} for name, content, _ in rows],
        "label": [value for *_, value in rows],
    }
    Dataset.from_dict(columns, Features({"image": Image(), "label": label})).to_parquet(
        folder / "data" / f"{split}-00000-of-00001.parquet"
    )


@pytest.fixture(scope="module")
def pcam(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PCam's schema. In train the finding is always JPEG of quality 60 and the rest of 90; one picture is in train and
    test with both labels, one twice in valid; valid has a PNG and a file that is cut off."""
    folder = tmp_path_factory.mktemp("pcam")
    shared = file(noise(1000), quality=90)
    train = [(f"train{n}.jpg", file(noise(n), quality=60 if n < 6 else 90), n < 6) for n in range(16)]
    train.append(("shared.jpg", shared, False))
    valid = [(f"valid{n}.jpg", file(noise(100 + n), quality=75), n % 2 == 0) for n in range(6)]
    valid += [
        ("again.jpg", valid[0][1], True),
        ("<b>lossless&.png", file(noise(200), "PNG"), False),
        ("cut-off.jpg", valid[1][1][:900], False),
    ]
    test = [(f"test{n}.jpg", file(noise(300 + n), quality=75), n < 2) for n in range(5)]
    test.append(("renamed.jpg", shared, True))
    for split, rows in (("train", train), ("valid", valid), ("test", test)):
        write(folder, split, rows, Value("bool"))
    return str(folder)


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The chest X-ray set's schema, grey. Pneumonia is always wider; test has a name of train with another kind and one
    with the same."""
    folder = tmp_path_factory.mktemp("chest")

    def scan(name: str, seed: int) -> Row:
        ill = name.startswith("person")
        return name, file(noise(seed, width=60 if ill else 40, colour=False)), int(ill)

    ill = [f"person{n}_{kind}_{n}.jpg" for n in range(24) for kind in ("bacteria",) * 2 + ("virus",)]
    well = [f"IM-{n:04d}-0001.jpg" for n in range(24)]
    train = [scan(name, seed) for seed, name in enumerate(ill + well)]
    test = [scan(name, 500 + n) for n, name in enumerate(("person900_virus_1.jpg", "IM-0900-0001.jpg", *ill[:2]))]
    for split, rows in (("train", train), ("test", test)):
        write(folder, split, rows, ClassLabel(names=["NORMAL", "PNEUMONIA"]))
    return str(folder)


@pytest.fixture(scope="module")
def pcam_looks(pcam: str) -> dict[str, Look]:
    return {split: look_at(PATCH_CAMELYON, split, pcam) for split in ("train", "validation", "test")}


@pytest.fixture(scope="module")
def chest_looks(chest: str) -> dict[str, Look]:
    return {split: look_at(CHEST_XRAY_PNEUMONIA, split, chest) for split in ("train", "validation", "test")}


def test_every_picture_is_counted_by_class(pcam_looks: dict[str, Look]) -> None:
    assert [pcam_looks[split].counts for split in SPLITS] == [(11, 6), (5, 4), (3, 3)]


def test_compression_that_follows_the_label_is_told(pcam_looks: dict[str, Look]) -> None:
    found = pcam_looks["train"].auc("quality")
    assert found.value == 0 and found.telling
    assert pcam_looks["train"].quality_counts() == {"60": (0, 6), "90": (11, 0)}
    assert pcam_looks["train"].auc("bytes_per_pixel").value == 0


def test_a_shape_that_is_always_the_same_tells_nothing(pcam_looks: dict[str, Look]) -> None:
    found = pcam_looks["train"].auc("aspect_ratio")
    assert found.value == 0.5 and not found.telling


def test_a_shape_that_follows_the_label_is_told(chest_looks: dict[str, Look]) -> None:
    for look in chest_looks.values():
        assert look.auc("aspect_ratio").value == look.auc("width").value == 1
        assert look.auc("height").value == 0.5
        assert set(look.values("aspect_ratio")) == {1.0, 1.5}


@pytest.mark.parametrize("quality", [1, 10, 50, 75, 80, 95, 100])
def test_the_quality_that_a_file_was_saved_with_is_found(quality: int) -> None:
    assert jpeg_quality(file(noise(1), quality=quality)) == quality


def test_a_file_without_jpeg_tables_is_lossless(pcam_looks: dict[str, Look]) -> None:
    assert jpeg_quality(file(noise(1), "PNG")) == NOT_JPEG
    assert pcam_looks["validation"].quality_counts() == {"75": (3, 4), "lossless": (1, 0)}


def test_a_file_that_is_cut_off_is_named_and_left_out(pcam_looks: dict[str, Look]) -> None:
    assert pcam_looks["validation"].unreadable == ("cut-off.jpg",)
    assert len(pcam_looks["validation"].pictures) == 8


def test_equal_pictures_are_found_within_and_across_splits(pcam_looks: dict[str, Look]) -> None:
    found = find_duplicates(list(pcam_looks.values()))
    assert found.within == {"train": 0, "validation": 1, "test": 0}
    assert found.across == {("train", "validation"): 0, ("train", "test"): 1, ("validation", "test"): 0}
    assert found.contradicting == 1
    names = {tuple((split, picture.name) for split, picture in group) for group in found.groups}
    assert names == {
        (("train", "shared.jpg"), ("test", "renamed.jpg")),
        (("validation", "valid0.jpg"), ("validation", "again.jpg")),
    }


def test_equal_pixels_in_another_format_are_equal_pictures(tmp_path: Path) -> None:
    picture = noise(7)
    rows = [("a.png", file(picture, "PNG"), True), ("b.bmp", file(picture, "BMP"), True)]
    write(tmp_path, "train", rows, Value("bool"))
    assert find_duplicates([look_at(PATCH_CAMELYON, "train", str(tmp_path))]).within == {"train": 1}


def test_numbers_of_a_picture_are_those_of_its_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 200, (48, 64, 3), np.uint8)
    content = file(PillowImage.fromarray(pixels), "PNG")
    write(tmp_path, "train", [("a.png", content, True)], Value("bool"))
    look = look_at(PATCH_CAMELYON, "train", str(tmp_path))
    (picture,) = look.pictures
    assert (picture.width, picture.height, picture.label) == (64, 48, 1)
    assert picture.brightness == pytest.approx(pixels.mean())
    assert picture.contrast == pytest.approx(pixels.std())
    assert picture.bytes_per_pixel == len(content) / (64 * 48)
    assert look.histograms[1, 2] == pytest.approx(np.histogram(pixels[..., 2], 256, (0, 256), density=True)[0])
    assert not look.histograms[0].any() and not look.grey
    assert np.isnan(look.auc("width").value)  # there is only one class


def test_every_picture_counts_the_same_in_means_and_histograms_whatever_its_size(tmp_path: Path) -> None:
    rows = [
        (f"{size}.png", file(PillowImage.new("L", (size, size), level), "PNG"), True)
        for size, level in ((40, 10), (160, 110))
    ]
    write(tmp_path, "train", rows, Value("bool"))
    look = look_at(PATCH_CAMELYON, "train", str(tmp_path))
    assert look.grey
    assert np.unique(look.means[1]).tolist() == [60]
    assert look.histograms[1, 0, [10, 110]].tolist() == [0.5, 0.5]


def test_the_sample_is_capped_and_follows_from_the_seed(pcam: str) -> None:
    first, again, other = (
        [picture.name for picture in look_at(PATCH_CAMELYON, "train", pcam, sample=8, seed=seed).pictures]
        for seed in (1, 1, 2)
    )
    assert len(first) == 8
    assert first == again != other
    assert look_at(PATCH_CAMELYON, "train", pcam, sample=8).counts == (11, 6)  # counts are of all


def test_patients_are_counted_and_found_in_two_splits(chest_looks: dict[str, Look]) -> None:
    found = find_patients(list(chest_looks.values()))
    assert found.patients["train"] + found.patients["validation"] == 48
    assert found.patients["test"] == 3  # person0's two pictures are of one patient
    assert found.kinds["test"] == {"virus": 1, "normal": 1, "bacteria": 2}
    assert found.across["train", "validation"] == (0, 0)
    assert np.add(found.across["train", "test"], found.across["validation", "test"]).tolist() == [1, 1]


def test_a_name_with_another_kind_in_each_split_is_counted_apart(tmp_path: Path) -> None:
    content = file(noise(1, colour=False))
    names = [f"person{n}_bacteria_1.jpg" for n in range(20)]
    names += [f"IM-{n:04d}-0001.jpg" for n in range(20)]
    label = ClassLabel(names=["NORMAL", "PNEUMONIA"])
    write(tmp_path, "train", [(name, content, int(name.startswith("p"))) for name in names], label)
    test = [(f"person{n}_virus_9.jpg", content, 1) for n in range(20)] + [("IM-0000-0009.jpg", content, 0)]
    write(tmp_path, "test", test, label)
    found = find_patients([look_at(CHEST_XRAY_PNEUMONIA, split, str(tmp_path)) for split in ("train", "test")])
    both, same_kind = found.across["train", "test"]
    assert same_kind <= 1 < 10 < both


def test_area_and_interval_are_those_of_the_papers_example() -> None:
    # Hanley & McNeil 1982, tables I and II: 109 CT scans rated 1 to 5; area 0.893, standard error 0.032.
    well, ill = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    labels = np.repeat([0, 1], [58, 51])
    ratings = np.concatenate([np.repeat(np.arange(1.0, 6.0), counts) for counts in (well, ill)])
    found = single_number_auc(labels, ratings)
    assert found.value == pytest.approx(0.893, abs=5e-4)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.032, abs=1e-3)


def test_the_report_holds_what_was_measured_and_needs_no_network(pcam: str, tmp_path: Path) -> None:
    page = explore("pcam", tmp_path, pcam).read_text(encoding="utf-8")
    assert (tmp_path / "explore" / "pcam.html").is_file()
    assert "JPEG quality alone ranks the classes" in page and "0.00 (0.00 to 0.00)" in page
    assert "<td>17</td><td>11 (64.7 %)</td><td>6 (35.3 %)</td>" in page
    assert "Equal pictures in train and test: 1." in page
    assert "Equal pictures with both labels: 1." in page
    assert "Could not be read: validation: cut-off.jpg." in page
    assert "Pictures looked at: 17 of 17 in train" in page
    assert "Patients" not in page
    assert "&lt;b&gt;lossless&amp;.png" in page and "<b>lossless" not in page
    sources = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]{0,40})""", page)
    assert len(sources) > 30
    assert all(source.startswith(("data:image/", "#")) for source in sources)
    assert not re.search(r"https?:|<script|<link|@import", page)
    assert set(re.findall(r'href="#([^"]+)"', page)) == set(re.findall(r'<section id="([^"]+)"', page))


def test_the_chest_report_counts_patients_and_names_the_shape(chest: str, tmp_path: Path) -> None:
    page = explore("chest-xray", tmp_path, chest, sample=60).read_text(encoding="utf-8")
    assert "Aspect ratio (w/h) alone ranks the classes" in page and "1.00 (1.00 to 1.00)" in page
    assert "Height (px) alone" not in page and "<td>always 40</td>" in page
    assert "<td>test</td><td>3</td><td>2</td><td>1</td><td>1</td>" in page  # patients, bacteria, normal, virus
    assert "Every sampled picture is grey" in page
    assert "Pictures looked at: 60 of" in page


def test_the_area_is_scikit_learns() -> None:
    random = np.random.default_rng(1)
    labels, numbers = random.integers(0, 2, 200), random.integers(0, 9, 200).astype(float)
    assert single_number_auc(labels, numbers).value == roc_auc_score(labels, numbers)
