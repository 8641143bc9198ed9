"""Fixtures of several test modules: a tiny model, the running app, a Hub on loopback, real data where there is any."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread.classifier import Classifier
from tests.support.hub_on_loopback import HubOnLoopback
from tests.support.running_app import running_app
from tests.support.tiny_model import write_tiny_model

if find_spec("torch"):  # the tests of core and app run without it too
    from training.methods.torchvision_operators import declare_missing_operators

    declare_missing_operators()  # so that every test can import timm and transformers

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as in tests/support/tiny_model.py."""
    return write_tiny_model(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Classifier:
    """The tiny model, loaded."""
    return Classifier(tiny_folder, threads=1)


@pytest.fixture
def picture() -> Image.Image:
    """A 96 x 96 RGB picture: red to the left, blue to the right."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[:, :48, 0], pixels[:, 48:, 2] = 200, 200
    return Image.fromarray(pixels)


@pytest.fixture(scope="session")
def app_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the app at ``address`` writes to standard error."""
    return tmp_path_factory.mktemp("app") / "app.log"


@pytest.fixture(scope="session")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where it keeps uploads."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="session")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder for other temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="session")
def address(app_log: Path, uploads: Path, temporary: Path) -> Iterator[str]:
    """The running app's address; one app serves all tests of a test process."""
    with running_app(app_log, GRADIO_TEMP_DIR=str(uploads), TMPDIR=str(temporary)) as url:
        yield url


@pytest.fixture
def hub() -> Iterator[HubOnLoopback]:
    """A Hugging Face Hub on 127.0.0.1."""
    with HubOnLoopback() as running:
        yield running


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the data sets, named by OVERREAD_DATA or beside the repository; tests skip without it."""
    folder = Path(os.environ.get("OVERREAD_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} does not exist (set OVERREAD_DATA)")
    return folder
