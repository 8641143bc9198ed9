"""overread_lambda/package.py: the package has everything that the handler needs, readable, and no more."""

import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from overread_lambda import package as builder

from tests.overread_lambda.conftest import PACKAGE, REPOSITORY
from tests.overread_lambda.generated_images import base64_of

# -I and -S leave out site-packages, PYTHONPATH and the working folder: a module that the package lacks is not found.
ASK = """
import json, sys
sys.path[:] = [folder for folder in sys.path if "site-packages" not in folder]
sys.path.insert(0, sys.argv[1])
from overread_lambda import handler
for line in sys.stdin:
    print(json.dumps(handler.handler(json.loads(line), None)))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package for the interpreter that runs the tests, built under umask 077, unzipped from its zip."""
    scratch = tmp_path_factory.mktemp("zip")
    before = os.umask(0o077)
    try:
        builder.build_folder(scratch / "built")
    finally:
        os.umask(before)
    builder.write_zip(scratch / "built", scratch / "package.zip")
    with zipfile.ZipFile(scratch / "package.zip") as archive:
        archive.extractall(scratch / "unzipped")
    return scratch / "unzipped"


def test_the_handler_answers_with_nothing_else_on_the_path(package: Path, dicom: bytes, patch: bytes) -> None:
    events = [
        {"image": base64_of(patch), "model": "histopathology", "heatmap": "png"},
        {"image": base64_of(dicom), "model": "chest-xray", "answer_anyway": True},
        {"image": base64_of(dicom), "model": "chest-xray"},
        {"url": "https://example.org/x.png", "model": "chest-xray"},
        {},
    ]
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ASK, str(package)],
        input="".join(json.dumps(event) + "\n" for event in events),
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"},
    )
    assert ran.returncode == 0, ran.stderr
    printed = [json.loads(line) for line in ran.stdout.splitlines()]
    tissue, radiograph, ramp, link, empty = (
        line for line in printed if "milliseconds" not in line or "finding" in line
    )
    assert tissue["finding"] == "lymph-node metastasis"
    assert radiograph["finding"] == "pneumonia"
    assert [answer["error"]["status"] for answer in (ramp, link, empty)] == [422, 403, 400]


@pytest.fixture(scope="module")
def dicom() -> bytes:
    """A DICOM file of a grey ramp, uncompressed."""
    import io

    import numpy as np
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = DigitalXRayImageStorageForPresentation, generate_uid()
    dataset.Rows = dataset.Columns = 64
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelData = np.arange(64 * 64, dtype="<u2").tobytes()
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def test_the_package_stays_under_lambdas_limit(package: Path) -> None:
    assert builder.unzipped_bytes(package) < builder.MAX_UNZIPPED_BYTES


def test_the_package_holds_no_training_weights_tests_or_heavy_libraries(package: Path) -> None:
    names = {path.name for path in package.rglob("*")}
    assert not names & {"torch", "sympy", "boto3", "gradio", "model.safetensors", "tests"}
    assert not list(package.rglob("weights/*/*.json.*"))


def test_bytecode_is_there_for_every_module_and_does_not_look_at_time_stamps(package: Path) -> None:
    compiled = package / "overread" / "__pycache__" / f"service.{sys.implementation.cache_tag}.pyc"
    flags = int.from_bytes(compiled.read_bytes()[4:8], "little")  # PEP 552: bit 0 hash-based, bit 1 checked
    assert flags == 1


def test_the_built_folder_is_readable_by_every_user_whatever_the_umask(package: Path) -> None:
    built = package.parent / "built"
    files = [path for path in built.rglob("*") if path.is_file()]
    assert len(files) > 1000
    assert {stat.S_IMODE(path.stat().st_mode) for path in [built, *built.rglob("*")] if path.is_dir()} == {0o755}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files if path.suffix != ".so"} == {0o644}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files if path.suffix == ".so"} == {0o755}


def test_files_of_a_private_checkout_become_readable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for name in (
        "overread/core.py",
        "lambda/overread_lambda/handler.py",
        "models/catalogue.json",
        "models/a/config.json",
    ):
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
    monkeypatch.setattr(builder, "REPOSITORY", checkout)
    monkeypatch.setattr(builder, "_install", lambda folder, python, arch: folder.mkdir(0o700))
    builder.build_folder(tmp_path / "package", python="3.99")
    modes = {
        str(path.relative_to(tmp_path / "package")): stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "package").rglob("*")
    }
    assert modes == {
        "overread": 0o755,
        "overread/core.py": 0o644,
        "overread_lambda": 0o755,
        "overread_lambda/handler.py": 0o644,
        "models": 0o755,
        "models/catalogue.json": 0o644,
        "models/a": 0o755,
        "models/a/config.json": 0o644,
    }


def test_the_package_holds_every_module_of_both_packages(package: Path) -> None:
    for source in (PACKAGE, REPOSITORY / "overread"):
        modules = {path.relative_to(source.parent) for path in source.rglob("*.py")}
        assert modules == {path.relative_to(package) for path in (package / source.name).rglob("*.py")}


def test_the_same_files_make_the_same_zip(tmp_path: Path) -> None:
    for name, time in (("first", 1_000_000_000), ("second", 1_500_000_000)):
        for file in ("b.py", "a/lib.so") if name == "first" else ("a/lib.so", "b.py"):
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.encode() * 1000)
            os.utime(path, (time, time))
        builder.write_zip(tmp_path / name, tmp_path / f"{name}.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_a_package_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builder, "_install", lambda folder, python, arch: folder.mkdir())
    monkeypatch.setattr(builder, "MAX_UNZIPPED_BYTES", 1000)
    with pytest.raises(ValueError, match="Lambda takes"):
        builder.build_folder(tmp_path / "package")
