"""examples/resize.mjs against Pillow, in pixels and in the probabilities that follow."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import overread
from overread.classifier import Classifier
from ui.examples import EXAMPLES, examples

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")
SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
const { resize } = await import(process.argv[1]);
const [source, target, ...sizes] = process.argv.slice(2);
writeFileSync(target, resize(readFileSync(source), ...sizes.map(Number)));
"""


def resized(image: Image.Image, size: tuple[int, int], folder: Path) -> Image.Image:
    (folder / "source").write_bytes(image.tobytes())
    arguments = [EXAMPLES / "resize.mjs", folder / "source", folder / "target", *map(str, (*image.size, *size))]
    assert NODE
    subprocess.run([NODE, "--input-type=module", "-e", SCRIPT, *arguments], check=True, timeout=120)
    return Image.frombytes("RGB", size, (folder / "target").read_bytes())


@pytest.mark.parametrize("size", [(96, 96), (224, 224), (300, 90), (1100, 640)])
def test_pixels_are_those_of_pillow(size: tuple[int, int], tmp_path: Path) -> None:
    image = Image.open(examples("chest-xray")[0].path).convert("RGB").resize((700, 500))
    expected = image.resize(size, Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(np.asarray(resized(image, size, tmp_path)), np.asarray(expected))


@pytest.mark.parametrize("name", ["pcam-efficientnet-lite0-128", "chest-xray-efficientnet-lite0"])
def test_probabilities_are_those_of_pillow(name: str, tmp_path: Path) -> None:
    classifier: Classifier = overread.load(name)
    wanted = classifier.config.preprocessing
    for example in examples("histopathology" if name.startswith("pcam") else "chest-xray"):
        image = Image.open(example.path).convert("RGB")
        small = resized(image, (wanted.width, wanted.height), tmp_path)
        here, there = (classifier.evidence([picture]).log_odds[0] for picture in (image, small))
        assert abs(1 / (1 + np.exp(-here)) - 1 / (1 + np.exp(-there))) <= 1e-3
