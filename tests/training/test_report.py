"""Cards and the table of models are functions of the files in the model folders."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from sklearn.metrics import roc_auc_score
from torchmetrics.functional.classification import binary_calibration_error

from overread.catalogue import MODELS_FOLDER, CatalogueEntry, catalogue
from overread.model_folder import read_config
from training.__main__ import main
from training.evaluate import metrics_of
from training.measure.calibration import Calibration
from training.measure.predictions import read_predictions
from training.measure.training_record import read_record
from training.recipes.nets import RECIPES
from training.reports import limits_table
from training.reports.model_card import render_card
from training.reports.summary_table import BEGIN, END, bytes_to_overlay, summary_table

ROOT = Path(__file__).parents[2]
ENTRIES = pytest.mark.parametrize("entry", catalogue().values(), ids=lambda entry: entry.name)
NETS = [entry for entry in catalogue().values() if not entry.members]


@ENTRIES
def test_the_committed_card_is_what_report_renders(entry: CatalogueEntry) -> None:
    assert render_card(entry.bundled_folder) == (entry.bundled_folder / "README.md").read_text(encoding="utf-8")


def test_report_writes_cards_and_table_and_nothing_else(trained_folder: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(trained_folder, models / trained_folder.name)
    shutil.copy(MODELS_FOLDER / "catalogue.json", models)
    readme = tmp_path / "README.md"
    limits = f"{limits_table.BEGIN}\nold\n{limits_table.END}"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nbetween\n{limits}\nafter\n")
    (models / trained_folder.name / "README.md").unlink()

    def everything() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    before = everything()
    for _ in range(2):
        assert main(["report", "--models", str(models), "--readme", str(readme)]) == 0
        after = everything()
        written = {path for path in after if after[path] != before.get(path)}
        assert written == {readme, models / trained_folder.name / "README.md"}
    table = readme.read_text().split(BEGIN)[1].split(END)[0].strip().splitlines()
    assert len(table) == 3 and table[2].startswith("| [pcam-resnet18](models/pcam-resnet18/README.md) | ")
    assert readme.read_text().startswith("before\n") and readme.read_text().endswith("\nafter\n")
    assert "\nbetween\n" in readme.read_text() and "old" not in readme.read_text()


def test_the_table_has_the_milliseconds_of_two_threads() -> None:
    benchmark = ROOT / "benchmarks" / "inference.json"
    milliseconds = bytes_to_overlay(benchmark)
    rows = summary_table(list(catalogue()), MODELS_FOLDER, benchmark).splitlines()[2:]
    assert [row.split(" | ")[-1].removesuffix(" |") for row in rows] == [milliseconds[name] for name in catalogue()]


@ENTRIES
def test_the_evaluation_follows_from_the_predictions(entry: CatalogueEntry) -> None:
    evaluation = json.loads((entry.bundled_folder / "evaluation.json").read_text(encoding="utf-8"))
    assert "comparisons" not in evaluation
    predictions = read_predictions(entry.bundled_folder)
    measured = {**evaluation["splits"], "corrupted": evaluation.get("corrupted_validation")}
    if external := predictions.pop("external", None):
        expected = roc_auc_score(external.labels, external.probabilities)
        assert evaluation["external"]["auc"]["opacity_vs_rest"]["all"]["value"] == pytest.approx(expected, abs=1e-12)
    for part, made in predictions.items():
        found = measured[part]
        assert found["auc"]["value"] == pytest.approx(roc_auc_score(made.labels, made.probabilities), abs=1e-12)
        error = binary_calibration_error(torch.tensor(made.probabilities), torch.tensor(made.labels), 15, "l1")
        assert found["ece"] == pytest.approx(float(error), abs=1e-7)
        for point in found["operating_points"].values():
            called = made.probabilities >= point["threshold"]
            assert point["true_positive"] == int((called & (made.labels == 1)).sum())
            assert point["true_negative"] == int((~called & (made.labels == 0)).sum())


def test_all_metrics_of_a_model_come_out_again_from_its_predictions() -> None:
    folder = catalogue()["chest-xray-xception"].bundled_folder
    config, evaluation = (
        json.loads((folder / name).read_text(encoding="utf-8")) for name in ("config.json", "evaluation.json")
    )
    fitted = config["overread"]["calibration"]
    points = list(read_config(folder).operating_points.values())
    found = metrics_of(read_predictions(folder), points, Calibration(fitted["slope"], fitted["intercept"]))
    assert found == {key: evaluation[key] for key in found}
    assert set(found) == {"splits", "corrupted_validation"}


@pytest.mark.parametrize("entry", NETS, ids=lambda entry: entry.name)
def test_the_card_tells_the_training_as_it_was(entry: CatalogueEntry) -> None:
    record, recipe = read_record(entry.bundled_folder), RECIPES[entry.name]
    own = record.stages[-len(recipe.stages) :]  # after those of the net that it goes on from
    assert [stage.size for stage in own] == [stage.size for stage in recipe.stages]
    assert own == record.stages or recipe.initial_weights_from
    card = (entry.bundled_folder / "README.md").read_text(encoding="utf-8")
    stages = card.split("## Training")[1].split("## How to use")[0]
    assert stages.count("constant after the warm-up") == sum(stage.averaged for stage in record.stages)
    assert stages.count("cosine decay") == sum(not stage.averaged for stage in record.stages)
    assert all((stage.schedule == "constant") == stage.averaged for stage in record.stages)


@ENTRIES
def test_every_card_claims_only_what_was_measured(entry: CatalogueEntry) -> None:
    card = ModelCard.load(entry.bundled_folder / "README.md")
    (result,) = card.data.to_dict()["model-index"][0]["results"]
    images = {"histopathology": "subset: 1,462 of 32,768 test images", "chest-xray": "all 624 test images"}
    assert images[entry.domain] in result["dataset"]["name"] and "JPEG quality 75" in result["dataset"]["name"]
    text = card.content
    assert (
        text.index("## Test figures")
        < text.index("<details>")
        < text.index("## Training" if entry.members == () else "## Members")
    )
    if entry.domain == "histopathology":
        assert "| train | 30,149 | 262,144 |" in text
        assert f"`python -m training evaluate {entry.name}` without `--data` measures on all 32,768 test images" in text


@ENTRIES
def test_every_card_has_its_base_model_or_says_that_there_is_none(entry: CatalogueEntry) -> None:
    card = ModelCard.load(entry.bundled_folder / "README.md")
    metadata = card.data.to_dict()
    if entry.members:
        assert "Each member reads the image as it is" in card.content
        assert metadata["base_model"] == [f"NAMESPACE/{member}" for member in entry.members]
        assert metadata["base_model_relation"] == "merge"
    elif entry.name in ("pcam-resnet18", "chest-xray-xception"):
        assert "base_model" not in metadata and "random weights (no base model)" in card.content
    else:
        assert metadata["base_model"] == "timm/tf_efficientnet_lite0.in1k"
