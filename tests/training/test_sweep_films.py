"""The sweep with a net and films that take seconds."""

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.training.two_hospitals import write_two_hospitals
from training.data.data_sets import CHEST_XRAY_PNEUMONIA, NIH_CHEST_XRAY
from training.domains.chest_xray import CHEST_XRAY_LITE0
from training.methods.film_training import LOG_FILE
from training.recipes.recipe import Films
from training.sweep_films import FILMS, SHORT_RECIPE, Run, Trainer, planned_runs, sweep

SHIPPED = Films(frozen=("conv1",))
RUNS = (
    Run("weight 1", SHIPPED, 1),
    Run("weight 0", dataclasses.replace(SHIPPED, outside_weight=0.0), 1),
    Run("without the second hospital", dataclasses.replace(SHIPPED, second_share=0.0), 2),
)
RECIPE = dataclasses.replace(
    SHORT_RECIPE,
    architecture="resnet18",
    stages=tuple(
        dataclasses.replace(stage, size=64, epochs=0.2, films=dataclasses.replace(stage.films, frozen=("conv1",)))
        for stage in SHORT_RECIPE.stages
    ),
    export_size=64,
    batch_size=8,
    pretrained=None,
    batch_norm_images=16,
)
CHILDREN = CHEST_XRAY_PNEUMONIA.dataset


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_two_hospitals(tmp_path_factory.mktemp("films")))


@pytest.fixture(scope="module")
def runs(films: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    sweep(RECIPE, RUNS, folder, films)
    return folder


def result_of(runs: Path, run: Run) -> dict[str, Any]:
    (file,) = (runs / "sweep-films").glob(f"{run.name.replace(' ', '-')}-seed-{run.seed}-*.json")
    return json.loads(file.read_text())


def logged(runs: Path, run: Run, part: str) -> list[float]:
    (file,) = (runs / "sweep-films").glob(f"{run.name.replace(' ', '-')}-seed-{run.seed}-*/{LOG_FILE}")
    with file.open() as opened:
        return [float(value) for _, name, value in csv.reader(opened) if name == part]


def test_each_planned_run_differs_from_the_shipped_settings_in_one_part() -> None:
    planned = planned_runs()
    assert planned[0].films == FILMS
    changed = [
        [name for name, value in dataclasses.asdict(run.films).items() if value != dataclasses.asdict(FILMS)[name]]
        for run in planned
    ]
    assert all(len(names) <= 1 for names in changed)
    weights, parts = {"outside_weight"}, {"half_mosaics", "quarter_mosaics", "twice", "logit_penalty", "second_share"}
    assert {name for names in changed for name in names} == weights | parts
    assert len({(run.name, run.seed) for run in planned}) == len(planned) == 14


def test_the_sweep_trains_with_the_settings_of_the_nets_fourth_stage() -> None:
    fourth = CHEST_XRAY_LITE0.stages[3].films
    assert fourth is not None
    assert dataclasses.replace(fourth, dilation=FILMS.dilation) == FILMS


def test_figures_are_those_of_the_validation_films(runs: Path) -> None:
    found = result_of(runs, RUNS[0])
    labels, strata = np.array(found["labels"]), np.array(found["strata"])
    assert set(found["auc"]) == {CHILDREN, f"{NIH_CHEST_XRAY.dataset} AP", f"{NIH_CHEST_XRAY.dataset} PA"}
    for stratum, auc in found["auc"].items():
        chosen = strata == stratum
        for name, value in auc.items():
            expected = roc_auc_score(labels[chosen], np.array(found["log_odds"][name])[chosen])
            assert value["value"] == pytest.approx(expected)
    assert found["log_odds"]["clean"] != found["log_odds"]["corrupted"]
    lungs = found["evidence_in_lungs"]["with the finding"]
    assert lungs["films"] == int(labels[strata == CHILDREN].sum())
    assert lungs["area"]["value"] == pytest.approx(2 * 36 * 22 / 64**2, abs=0.02)  # as drawn
    assert found["half_films"]["films"] == 160 and 0 <= found["half_films"]["mean"] <= 1
    assert np.isfinite(found["sharpening"])


def test_the_weight_of_a_loss_is_all_that_differs(runs: Path) -> None:
    with_loss, without = (logged(runs, run, "label") for run in RUNS[:2])
    assert with_loss[0] == without[0] and with_loss[1:] != without[1:]
    assert set(logged(runs, RUNS[1], "outside")) == {0.0} and max(logged(runs, RUNS[0], "outside")) > 0
    assert result_of(runs, RUNS[0])["log_odds"] != result_of(runs, RUNS[1])["log_odds"]


def test_the_tables_have_a_row_for_every_run_and_compare_within_a_seed(runs: Path) -> None:
    figures, differences = (runs / "sweep-films" / "table.md").read_text().strip().split("\n\n")
    assert [line.split("|")[1].strip() for line in figures.splitlines()[2:]] == [
        f"{run.name}, seed {run.seed}" for run in RUNS
    ]
    (row,) = differences.splitlines()[2:]
    ours, first = (result_of(runs, run)["auc"][CHILDREN]["corrupted"]["value"] for run in (RUNS[1], RUNS[0]))
    assert row.startswith(f"| weight 0, seed 1 | {ours - first:+.3f} ")


def test_finished_runs_are_not_trained_again(films: str, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []
    net = Trainer.net

    def noted(trainer: Trainer, run: Run, *rest: Any) -> Any:
        trained.append(run.name)
        return net(trainer, run, *rest)

    monkeypatch.setattr(Trainer, "net", noted)
    (runs / "sweep-films" / "table.md").unlink()
    (file,) = (runs / "sweep-films").glob("weight-0-*.json")
    before = json.loads(file.read_text())
    file.unlink()
    assert sweep(RECIPE, RUNS, runs, films).exists()
    assert trained == ["weight 0"]
    np.testing.assert_allclose(result_of(runs, RUNS[1])["log_odds"]["clean"], before["log_odds"]["clean"], atol=1e-4)
