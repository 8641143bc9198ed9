import re
from pathlib import Path

import pytest

from tests.training.audited_data import write_chest, write_pcam
from training.audit import audit


@pytest.fixture(scope="module")
def pcam(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_pcam(tmp_path_factory.mktemp("pcam"))


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_chest(tmp_path_factory.mktemp("chest"))


def test_the_report_holds_what_was_measured_and_needs_no_network(pcam: str, tmp_path: Path) -> None:
    page = audit("histopathology", tmp_path, pcam).read_text(encoding="utf-8")
    assert (tmp_path / "audit" / "histopathology.html").is_file()
    assert "JPEG quality alone ranks the classes" in page and "0.00 (0.00 to 0.00)" in page
    assert "<td>17</td><td>11 (64.7 %)</td><td>6 (35.3 %)</td>" in page
    assert "Equal images in train and test: 1." in page
    assert "Equal images with both labels: 1." in page
    assert "Could not be read: validation: cut-off.jpg." in page
    assert "Images compared: 17 of 17 in train" in page
    assert "Patients" not in page
    assert "&lt;b&gt;lossless&amp;.png" in page and "<b>lossless" not in page
    sources = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]{0,40})""", page)
    assert len(sources) > 30
    assert all(source.startswith(("data:image/", "#")) for source in sources)
    assert not re.search(r"https?:|<script|<link|@import", page)
    assert set(re.findall(r'href="#([^"]+)"', page)) == set(re.findall(r'<section id="([^"]+)"', page))


def test_the_chest_report_counts_patients_and_names_the_shape(chest: str, tmp_path: Path) -> None:
    page = audit("chest-xray", tmp_path, chest, sample=60).read_text(encoding="utf-8")
    assert "Aspect ratio (w/h) alone ranks the classes" in page and "1.00 (1.00 to 1.00)" in page
    assert "Height (px) alone" not in page and "<td>always 40</td>" in page
    assert "<td>test</td><td>3</td><td>2</td><td>1</td><td>1</td>" in page  # patients, bacteria, normal, virus
    assert "Every sampled image is grey" in page
    assert "Images compared: 60 of" in page
