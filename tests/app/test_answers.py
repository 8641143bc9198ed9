"""The running app answers, called with the real gradio_client and over REST."""

import base64
import hashlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image, PngImagePlugin

import overread
from overread.catalogue import entry
from tests.support.dicom_file import dicom
from tests.support.rest import call
from training.reports.snippets import snippets
from ui.examples import examples


@pytest.fixture
def images(patch: Path, film: Path) -> dict[str, Path]:
    """An image that the guard accepts, by endpoint."""
    return {"/histopathology": patch, "/chest_xray": film}


@pytest.mark.parametrize(("endpoint", "domain"), [("/histopathology", "histopathology"), ("/chest_xray", "chest-xray")])
def test_an_endpoint_answers_as_the_python_api_does(
    client: Client, images: dict[str, Path], endpoint: str, domain: str
) -> None:
    answer, overlay = client.predict(handle_file(images[endpoint]), "screening", api_name=endpoint)
    expected = overread.load(domain).predict(images[endpoint], "screening")
    here = expected.to_json()
    assert {**answer, "milliseconds": None} == {**here, "milliseconds": None}
    np.testing.assert_array_equal(np.asarray(Image.open(overlay)), np.asarray(expected.overlay))


def test_what_the_model_cards_show_for_gradio_client_runs(
    address: str, film: Path, patch: Path, tmp_path: Path
) -> None:
    images = {"chest-xray": film, "histopathology": patch}
    codes = []
    for name in overread.names():
        model = entry(name)
        shown = snippets(name, model.domain, is_ensemble=bool(model.members))["gradio_client"]
        codes.append(shown.replace("http://127.0.0.1:7860", address).replace("image.png", images[model.domain].name))
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(codes)], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    printed = re.findall(r"^(0\.\S+) (.+) (\S+)$", done.stdout, re.MULTILINE)  # between what the client says of itself
    for name, (probability, decision, overlay) in zip(overread.names(), printed, strict=True):
        expected = overread.load(name).predict(images[entry(name).domain])
        assert float(probability) == pytest.approx(expected.probability, abs=1e-6)
        assert decision == expected.decision and Path(overlay).is_file()


def test_optional_arguments_can_be_left_out(client: Client, patch: Path) -> None:
    answer, _ = client.predict(handle_file(patch), api_name="/histopathology")
    assert answer["operating_point"]["name"] == "balanced"


def test_the_grid_can_be_asked_for(client: Client, patch: Path) -> None:
    _, smooth = client.predict(handle_file(patch), "", "", True, api_name="/histopathology")
    _, grid = client.predict(handle_file(patch), "", "", False, api_name="/histopathology")
    assert np.asarray(Image.open(smooth)).std() != np.asarray(Image.open(grid)).std()


def test_equal_answers_are_files_of_their_own(client: Client, patch: Path) -> None:
    first, second = (Path(client.predict(handle_file(patch), api_name="/histopathology")[1]) for _ in range(2))
    assert first.read_bytes() != second.read_bytes()  # else writing the one could cut the other's download short
    np.testing.assert_array_equal(np.asarray(Image.open(first)), np.asarray(Image.open(second)))


def test_what_a_file_says_about_itself_does_not_leave_with_the_answer(client: Client, tmp_path: Path) -> None:
    private = PngImagePlugin.PngInfo()
    private.add_text("PatientName", "Jane Roe")
    Image.open(examples("histopathology")[0].path).save(tmp_path / "named.png", pnginfo=private)
    _, overlay = client.predict(handle_file(tmp_path / "named.png"), api_name="/histopathology")
    assert b"Jane Roe" not in Path(overlay).read_bytes()


def test_many_requests_at_once_are_all_answered(address: str, images: dict[str, Path]) -> None:
    def ask(endpoint: str) -> str:
        return Client(address, verbose=False).predict(handle_file(images[endpoint]), api_name=endpoint)[0]["finding"]

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(ask, [*images] * 3))
    assert found == ["lymph-node metastasis", "pneumonia"] * 3


@pytest.mark.parametrize("endpoint", ["histopathology", "chest_xray"])
def test_an_image_alone_is_enough_as_base64_or_url(address: str, images: dict[str, Path], endpoint: str) -> None:
    text = base64.b64encode(images[f"/{endpoint}"].read_bytes()).decode()
    answers = [
        call(address, endpoint, [sent])
        for sent in (text, {"url": text}, f"data:image/png;base64,{text}", {"url": f"data:image/png;base64,{text}"})
    ]
    assert [event for event, _ in answers] == ["complete"] * 4
    assert len({answer[0]["probability"] for _, answer in answers}) == 1
    assert answers[0][1][0]["operating_point"]["name"] == "balanced"


def test_an_answer_carries_schema_version_and_the_digest_of_the_file(client: Client, film: Path) -> None:
    answer, _ = client.predict(handle_file(film), api_name="/chest_xray")
    assert answer["schema_version"]
    assert answer["image_sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()


def test_a_dicom_file_is_answered(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    grey = np.asarray(Image.open(examples("chest-xray")[0].path).convert("L")).astype(np.uint16) * 16
    path.write_bytes(dicom(grey, Modality="DX"))
    answer, _ = client.predict(handle_file(path), api_name="/chest_xray")
    assert answer["finding"] == "pneumonia"
