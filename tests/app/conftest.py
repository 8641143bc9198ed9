"""A client of the running app, and images that its guards accept."""

from pathlib import Path

import pytest
from gradio_client import Client
from PIL import Image

from ui.examples import examples


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


@pytest.fixture
def patch(tmp_path: Path) -> Path:
    """An H&E patch as PNG."""
    return as_png(examples("histopathology")[0].path, tmp_path / "image.png")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A chest film as PNG."""
    return as_png(examples("chest-xray")[0].path, tmp_path / "film.png")


def as_png(image: Path, file: Path) -> Path:
    Image.open(image).save(file)
    return file
