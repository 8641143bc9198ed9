"""Model folders in Node: the code of the cards and examples/read.mjs, against Python."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import overread
from overread.catalogue import CatalogueEntry, catalogue
from tests.support.hub_on_loopback import HubOnLoopback
from tests.support.node import NODE, node_modules
from training.reports.snippets import OWN_NAMESPACE, javascript_snippets
from ui.examples import EXAMPLES, examples

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")
NETS = [entry for entry in catalogue().values() if not entry.members]
DEFAULTS = list({entry.domain: entry for entry in NETS}.values())
HERE = """
import { env } from "@huggingface/transformers";
env.remoteHost = "%s/";
env.cacheDir = "./hub";
"""


@pytest.fixture(scope="module")
def packages() -> Path:
    return node_modules(EXAMPLES)


@pytest.fixture(scope="module")
def pushed() -> Iterator[HubOnLoopback]:
    files = ("config.json", "preprocessor_config.json", "onnx/model.onnx", "onnx/preprocess.onnx")
    with HubOnLoopback() as hub:
        for entry in NETS:
            hub.put_repo(f"someone/{entry.name}", {name: (entry.bundled_folder / name).read_bytes() for name in files})
        yield hub


def run(code: str, image: Path, packages: Path, home: Path, hub: HubOnLoopback) -> str:
    """Return what the code prints, with ``image.png`` at hand and the Hub on loopback in the real one's place."""
    with Image.open(image) as opened:
        opened.convert("RGB").save(home / "image.png")
    if not (home / "node_modules").exists():
        (home / "node_modules").symlink_to(packages)
    code = code.replace(OWN_NAMESPACE, "someone").replace("https://huggingface.co", hub.endpoint)
    (home / "run.mjs").write_text((HERE % hub.endpoint if "@huggingface" in code else "") + code)
    assert NODE
    done = subprocess.run([NODE, "run.mjs"], cwd=home, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("library", ["Transformers.js, with the map", "onnxruntime-node"])
@pytest.mark.parametrize("entry", NETS, ids=lambda entry: entry.name)
def test_a_cards_code_gives_pythons_probability_and_the_map(
    entry: CatalogueEntry, library: str, packages: Path, pushed: HubOnLoopback, tmp_path: Path
) -> None:
    example = examples(entry.domain)[0]
    printed = run(javascript_snippets(entry.name)[library], example.path, packages, tmp_path, pushed)
    found = re.fullmatch(r"([\d.e-]+) \[ (.*) \]", printed.strip())
    assert found, printed
    expected = overread.load(entry.name).predict(example.path)
    assert float(found[1]) == pytest.approx(expected.probability, abs=1e-3)
    assert ast.literal_eval(f"({found[2]})") == (1, *expected.heatmap.shape)


@pytest.mark.parametrize("entry", NETS, ids=lambda entry: entry.name)
def test_the_pipeline_knows_the_labels_and_answers_alike_where_nothing_is_resized(
    entry: CatalogueEntry, packages: Path, pushed: HubOnLoopback, tmp_path: Path
) -> None:
    classifier = overread.load(entry.name)
    small = classifier.config.preprocessing.resize(Image.open(examples(entry.domain)[0].path).convert("RGB"))
    small.save(tmp_path / "small.png")
    library = next(name for name in javascript_snippets(entry.name) if name.startswith("the pipeline"))
    printed = run(javascript_snippets(entry.name)[library], tmp_path / "small.png", packages, tmp_path, pushed)
    answers = {label: float(score) for label, score in re.findall(r"label: '(.*)', score: ([\d.e-]+)", printed)}
    finding = 1 / (1 + 2.718281828459045 ** -float(classifier.evidence([small]).log_odds[0]))
    assert answers == pytest.approx(dict(zip(classifier.config.labels, (1 - finding, finding), strict=True)), abs=1e-3)


@pytest.mark.parametrize("entry", DEFAULTS, ids=lambda entry: entry.name)
def test_read_mjs_gives_pythons_log_odds_and_draws_the_map(
    entry: CatalogueEntry, packages: Path, tmp_path: Path
) -> None:
    example, overlay = examples(entry.domain)[0], tmp_path / "overlay.png"
    assert NODE and packages
    command = [NODE, "examples/read.mjs", example.path, "--model", entry.bundled_folder, "--overlay", overlay]
    done = subprocess.run(command, cwd=EXAMPLES.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    answers = [float(value) for value in re.findall(r"(?:log-odds|sum is) (-?[\d.]+)", done.stdout)]
    assert answers == pytest.approx([overread.load(entry.name).predict(example.path).log_odds] * 2, abs=0.01)
    with Image.open(overlay) as drawn, Image.open(example.path) as image:
        assert drawn.size == image.size
        assert drawn.convert("RGB").tobytes() != image.convert("RGB").tobytes()
