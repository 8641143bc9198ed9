"""The real huggingface_hub client and transformers against a Hub on loopback: what is pushed is what is served."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi, ModelCard, ModelCardData, metadata_load
from PIL import Image
from transformers import pipeline

from overread.catalogue import CatalogueEntry, catalogue
from overread.classifier import Classifier
from overread.cli import main
from overread.deploy.hub_errors import HubRefusedError
from overread.deploy.models import check_folder, push
from overread.errors import ModelFolderError
from overread.model_folder import CONFIG_FILE, GUARD_FILE, ONNX_FILE, sha256_of
from tests.support.hub_on_loopback import HubOnLoopback
from tests.support.tiny_model import CONFIG, write_tiny_ensemble, write_tiny_model
from tests.training.finished_models import CARD, finish
from training.export import write_config
from training.methods.torch_model import build_model, save_weights
from training.recipes.nets import RECIPES

ROOT = Path(__file__).parents[2]
LOAD = """
import json, sys
from pathlib import Path
from importlib import import_module
import overread
import_module("overread.catalogue").CATALOGUE_FILE = Path(sys.argv[1])
print(json.dumps(overread.load("tiny", threads=1).predict(sys.argv[2]).to_json()))
"""


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def tiny_entry(models: Path) -> CatalogueEntry:
    return catalogue(models / "catalogue.json")["tiny"]


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    """The README of a Space that names one model already."""
    file = tmp_path / "README.md"
    file.write_text("---\ntitle: Overread\nmodels:\n- else/other\n---\n\n# Overread\n")
    return file


def uploaded(folder: Path, namespace: str = "someone") -> dict[str, bytes]:
    """Return what a repository should hold: the files of a folder, with the namespace in the card."""
    found = files(folder)
    return found | {"README.md": found["README.md"].replace(b"NAMESPACE/", f"{namespace}/".encode())}


def test_a_pushed_and_pinned_folder_is_what_the_app_serves(
    client: HubOnLoopback, models: Path, readme: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["push", "--namespace", "someone", "--pin", "--models", str(models), "--readme", str(readme)]
    assert main(command) == 0, capsys.readouterr().err
    printed = re.findall(r"^(\S+) at ([0-9a-f]{40})$", capsys.readouterr().out, re.MULTILINE)
    assert [url for url, _ in printed] == [f"{client.endpoint}/someone/{name}" for name in ("tiny", "other")]
    commit = printed[0][1]
    assert client.files("someone/tiny", commit).items() >= uploaded(models / "tiny").items()
    pinned = json.loads((models / "catalogue.json").read_text())
    assert pinned["namespace"] == "someone"
    assert [model["revision"] for model in pinned["models"].values()] == [commit for _, commit in printed]

    client.put_repo("someone/tiny", {"config.json": b"{}"})  # main moves on; the pinned commit serves
    picture = tmp_path / "picture.png"
    Image.new("RGB", (96, 96), (180, 60, 90)).save(picture)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(models / "catalogue.json"), str(picture)],
        env=client.client_environment(tmp_path / "hub") | {"OVERREAD_HUB_NAMESPACE": "someone"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    served = json.loads(done.stdout)
    assert (served["model"]["source"], served["model"]["revision"]) == ("hub", commit)
    local = Classifier(models / "tiny", threads=1).predict(picture).to_json()
    assert served["probabilities"] == local["probabilities"]
    assert served["log_odds"] == local["log_odds"]


def test_the_uploaded_card_names_the_namespace_and_the_local_one_stays(client: HubOnLoopback, models: Path) -> None:
    before = (models / "tiny" / "README.md").read_text()
    push("tiny", "someone", HfApi(), models)
    card = ModelCard(client.files("someone/tiny")["README.md"].decode())
    assert card.data.to_dict()["base_model"] == "someone/other" and "NAMESPACE" not in card.content
    assert (models / "tiny" / "README.md").read_text() == before and "NAMESPACE/other" in before


def test_pinning_links_the_space_to_its_models(client: HubOnLoopback, models: Path, readme: Path) -> None:
    command = ["push", "--namespace", "someone", "--pin", "--models", str(models), "--readme", str(readme)]
    for _ in range(2):
        assert main(command) == 0
        metadata = metadata_load(readme)
        assert metadata and metadata["title"] == "Overread"
        assert metadata["models"] == ["else/other", "someone/tiny", "someone/other"]
    assert readme.read_text().endswith("---\n\n# Overread\n")


def test_transformers_loads_what_was_pushed(client: HubOnLoopback, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["pcam-resnet18"], architecture="resnet10t")
    folder = write_tiny_model(tmp_path / "models" / "net")
    model = build_model(recipe, size=64, output_stride=32)
    model.save_pretrained(folder)
    save_weights(model, folder)
    write_config(folder, CONFIG["overread"])
    finish(folder)
    assert main(["push", "net", "--namespace", "someone", "--models", str(folder.parent)]) == 0

    picture = tmp_path / "picture.png"
    Image.radial_gradient("L").convert("RGB").save(picture)
    from_hub, from_disk = (
        pipeline("image-classification", model=model)(str(picture)) for model in ("someone/net", str(folder))
    )
    assert from_hub == from_disk
    assert {row["label"] for row in from_hub} == {"no metastasis", "metastasis"}
    fetched = {request.rsplit("/", 1)[-1] for request in client.requests if request.startswith("GET /someone/net/res")}
    assert fetched >= {"config.json", "preprocessor_config.json", "model.safetensors"}


def test_the_model_card_keeps_its_figures(client: HubOnLoopback, models: Path) -> None:
    bundled = catalogue()["pcam-resnet18"].bundled_folder
    (models / "tiny" / "README.md").write_bytes((bundled / "README.md").read_bytes())
    push("tiny", "someone", HfApi(), models)
    assert "POST /api/validate-yaml" in client.requests
    card = ModelCard(client.files("someone/tiny")["README.md"].decode()).data
    measured = json.loads((bundled / "evaluation.json").read_text())["splits"]["test"]["auc"]["value"]
    assert isinstance(card, ModelCardData) and card.eval_results
    assert {row.metric_type: row.metric_value for row in card.eval_results}["roc_auc"] == round(measured, 4)


def test_pushing_twice_gives_the_same_commit_until_a_file_changes(client: HubOnLoopback, models: Path) -> None:
    first = push("tiny", "someone", HfApi(), models)
    assert push("tiny", "someone", HfApi(), models) == first
    (models / "tiny" / "roc.png").write_bytes(b"another figure")
    assert push("tiny", "someone", HfApi(), models).commit != first.commit
    assert client.files("someone/tiny")["roc.png"] == b"another figure"
    assert client.files("someone/tiny", first.commit)["roc.png"] == b"a figure"


def test_private_is_private_and_never_silently_public(client: HubOnLoopback, models: Path) -> None:
    push("tiny", "someone", HfApi(), models, private=True)
    push("other", "someone", HfApi(), models)
    assert [HfApi().model_info(f"someone/{name}").private for name in ("tiny", "other")] == [True, False]
    (models / "other" / "roc.png").write_bytes(b"confidential")
    with pytest.raises(HubRefusedError, match="someone/other is public already"):
        push("other", "someone", HfApi(), models, private=True)
    assert client.files("someone/other")["roc.png"] == b"a figure"


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("README.md", None, "tiny is not finished: README.md, which .* is missing"),
        ("evaluation.json", None, "tiny is not finished: evaluation.json, which .* is missing"),
        ("model.safetensors", None, "tiny is not finished: model.safetensors, which .* is missing"),
        ("config.json", "{}", "config.json is not the file the catalogue pins"),
        ("onnx/model.onnx", "another", "onnx/model.onnx is not the file the catalogue pins"),
        ("onnx/model.onnx", None, "onnx/model.onnx is missing"),
        ("evaluation.json", json.dumps({"sha256": "0" * 64}), "evaluation.json describes another onnx/model.onnx"),
    ],
)
def test_an_unfinished_or_altered_folder_is_refused(
    models: Path, tiny_entry: CatalogueEntry, file: str, content: str | None, sentence: str
) -> None:
    check_folder(tiny_entry, models / "tiny")
    if content is None:
        (models / "tiny" / file).unlink()
    else:
        (models / "tiny" / file).write_text(content)
    with pytest.raises(ModelFolderError, match=sentence):
        check_folder(tiny_entry, models / "tiny")


def test_a_guard_that_is_not_pinned_is_refused_since_the_app_would_not_load_it(
    models: Path, tiny_entry: CatalogueEntry
) -> None:
    (models / "tiny" / GUARD_FILE).write_bytes(b"a guard")
    with pytest.raises(ModelFolderError, match=r"tiny would be served without its guard: the catalogue does not pin"):
        check_folder(tiny_entry, models / "tiny")
    pinned = {**tiny_entry.sha256, GUARD_FILE: sha256_of(models / "tiny" / GUARD_FILE)}
    check_folder(dataclasses.replace(tiny_entry, sha256=pinned), models / "tiny")


def test_an_ensembles_folder_needs_no_net_of_its_own(models: Path, tiny_entry: CatalogueEntry) -> None:
    for file in (ONNX_FILE, "model.safetensors", "preprocessor_config.json"):
        (models / "tiny" / file).unlink()
    pinned = {CONFIG_FILE: tiny_entry.sha256[CONFIG_FILE]}
    ensemble = dataclasses.replace(tiny_entry, sha256=pinned, members=("one", "two"))
    with pytest.raises(ModelFolderError, match=r"evaluation\.json describes another config\.json"):
        check_folder(ensemble, models / "tiny")
    (models / "tiny" / "evaluation.json").write_text(json.dumps({"sha256": pinned[CONFIG_FILE]}))
    check_folder(ensemble, models / "tiny")
    (models / "tiny" / CONFIG_FILE).write_text("{}")
    with pytest.raises(ModelFolderError, match=r"config\.json is not the file the catalogue pins"):
        check_folder(ensemble, models / "tiny")


def test_an_ensemble_is_pushed_with_its_members(
    client: HubOnLoopback, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue_file = models / "catalogue.json"
    folder = write_tiny_ensemble(models / "both", {"tiny": 0.5, "other": 0.5})
    (folder / "README.md").write_text(CARD)
    digest = sha256_of(folder / CONFIG_FILE)
    (folder / "evaluation.json").write_text(json.dumps({"sha256": digest}))
    content = json.loads(catalogue_file.read_text())
    content["models"]["both"] = content["models"]["tiny"] | {
        "sha256": {CONFIG_FILE: digest},
        "members": ["tiny", "other"],
    }
    catalogue_file.write_text(json.dumps(content))
    assert main(["push", "--namespace", "someone", "--models", str(models)]) == 0, capsys.readouterr().err
    assert client.files("someone/both").items() >= uploaded(folder).items()
