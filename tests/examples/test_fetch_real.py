"""examples/fetch_real.py as a command, with the real `datasets` client against a Hub on loopback."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.hub_on_loopback import HubOnLoopback

pa = pytest.importorskip("pyarrow")
pytest.importorskip("datasets")
pq = pytest.importorskip("pyarrow.parquet")

ROOT = Path(__file__).parents[2]
PCAM, CHEST = "1aurent/PatchCamelyon", "hf-vision/chest-xray-pneumonia"
Hub = tuple[HubOnLoopback, dict[str, str]]


def drawn(number: int, kind: str) -> bytes:
    """Return an encoded picture whose pixels tell `number`."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 20 * number, np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def parquet(labels: list[int], kind: str, label_type: object) -> bytes:
    """Return a data set file with one drawn picture per label, columns as the real data sets have them."""
    images = [{"bytes": drawn(number, kind), "path": f"{number}.{kind.lower()}"} for number in range(len(labels))]
    image_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(images, image_type), "label": pa.array(labels).cast(label_type)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Return a Hub with six rows of each data set, and the environment which leads a client to it."""
    with HubOnLoopback() as server:
        pcam = parquet([0, 0, 0, 1, 1, 0], "PNG", pa.bool_())
        chest = parquet([0, 0, 0, 0, 1, 1], "JPEG", pa.int64())
        server.put_repo(PCAM, {"data/test-00000-of-00001.parquet": pcam}, "dataset")
        server.put_repo(CHEST, {"data/test-00000-of-00001.parquet": chest}, "dataset")
        yield server, server.client_environment(tmp_path / "home")


def fetch_real(environment: dict[str, str], out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    command = [sys.executable, "-m", "examples.fetch_real", "--out", str(out), *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def assert_one_sentence(result: subprocess.CompletedProcess[str], out: Path, *words: str) -> None:
    """Check for exit code 1, one line that holds the words, and nothing written."""
    assert result.returncode == 1, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert all(word in result.stderr for word in words), result.stderr
    assert not out.exists()


def test_pictures_are_balanced_and_stored_byte_for_byte(hub: Hub, tmp_path: Path) -> None:
    """Of each data set the first two rows of either label arrive unchanged."""
    out = tmp_path / "real"
    result = fetch_real(hub[1], out)
    assert result.returncode == 0, result.stderr
    files = {str(path.relative_to(out)): path.read_bytes() for path in out.glob("*/*")}
    assert files == {
        **{f"histopathology/test-{row:05d}.png": drawn(row, "PNG") for row in (0, 1, 3, 4)},
        **{f"chest-xray/test-{row:05d}.jpg": drawn(row, "JPEG") for row in (0, 1, 4, 5)},
    }


def test_sources_name_revision_row_label_and_licence(hub: Hub, tmp_path: Path) -> None:
    """SOURCES.json says where each picture comes from, pinned to the revision that was read."""
    server, environment = hub
    revision = server.put_repo(PCAM, {"README.md": b"---\nlicense: cc0-1.0\n---\n"}, "dataset")
    result = fetch_real(environment, tmp_path / "real", "--count", "2")
    assert result.returncode == 0, result.stderr
    sources = json.loads((tmp_path / "real" / "SOURCES.json").read_text())
    assert [(source["dataset"], source["index"], source["label"]) for source in sources] == [
        (PCAM, 0, "no tumour in the centre"),
        (PCAM, 3, "tumour in the centre"),
        (CHEST, 0, "NORMAL"),
        (CHEST, 4, "PNEUMONIA"),
    ]
    assert sources[0]["revision"] == revision
    assert {source["licence"] for source in sources} == {"CC0 1.0", "CC BY 4.0"}
    assert all("et al." in source["citation"] and source["split"] == "test" for source in sources)


def test_captions_have_the_shape_that_the_app_shows(hub: Hub, tmp_path: Path) -> None:
    """captions.json has the keys of the phantoms' captions.json, and its files exist beside it."""
    out = tmp_path / "real"
    result = fetch_real(hub[1], out, "--count", "1")
    assert result.returncode == 0, result.stderr
    entries = json.loads((out / "captions.json").read_text())
    assert set(entries[0]) == set(json.loads((ROOT / "examples" / "captions.json").read_text())[0])
    assert all((out / entry["file"]).is_file() for entry in entries)
    assert entries[1]["caption"] == "real, label NORMAL, CC BY 4.0"


def test_hub_out_of_order_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    """A 503 from the Hub ends with exit code 1 and a sentence that names the data set."""
    hub[0].fail(503)
    assert_one_sentence(fetch_real(hub[1], tmp_path / "real"), tmp_path / "real", PCAM, "503")


def test_nobody_answering_is_one_sentence(tmp_path: Path) -> None:
    """With no Hub in reach the command fails at once and says so."""
    with HubOnLoopback() as server:
        environment = server.client_environment(tmp_path / "home")
    assert_one_sentence(fetch_real(environment, tmp_path / "real"), tmp_path / "real", PCAM, "ConnectError")


def test_missing_data_set_is_one_sentence_and_writes_nothing(hub: Hub, tmp_path: Path) -> None:
    """If the second data set is gone, the pictures of the first are not left behind half done."""
    hub[0].fail(404, CHEST)
    assert_one_sentence(fetch_real(hub[1], tmp_path / "real"), tmp_path / "real", CHEST)


def test_truncated_data_file_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    """A parquet file that broke off is reported, not shown as a traceback."""
    hub[0].truncate(PCAM, "data/test-00000-of-00001.parquet", 200, "dataset")
    assert_one_sentence(fetch_real(hub[1], tmp_path / "real"), tmp_path / "real", PCAM)


def test_too_few_rows_of_a_label_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    """Asking for more than the split can balance names the number asked for."""
    assert_one_sentence(fetch_real(hub[1], tmp_path / "real", "--count", "6"), tmp_path / "real", PCAM, "6 balanced")


def test_without_datasets_installed_it_says_what_to_install(tmp_path: Path) -> None:
    """The training-side package is named; a None in sys.modules is how Python marks a module as not importable."""
    out = tmp_path / "real"
    code = (
        "import sys; sys.modules['datasets'] = None; from examples.fetch_real import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "--out", str(out)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert_one_sentence(result, out, "pip install datasets")
