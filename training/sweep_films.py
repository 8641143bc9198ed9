"""Compares settings of `Films`: python -m training sweep-films --data FOLDER --init FILE

Trains the chest EfficientNet briefly on the children's labels alone, goes on from there with each weight of the loss
for evidence outside the lungs, and without each other part, and measures every net on validation. These nets compare
settings; none ships.
Each run leaves a file in ``runs/sweep-films``, and the command goes on where it was interrupted; the table is
``runs/sweep-films/table.md``. With ``OMP_NUM_THREADS=1`` it takes about half an hour of one CPU core.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np
import torch
from datasets import Dataset

from training.data.two_hospitals import balancing_weights, load_hospitals
from training.domains.chest_xray import CHEST_XRAY_LITE0, EARLY_LAYERS
from training.measure.validation_films import load_validation_films, measure_net
from training.methods.cpu_allocator import keep_freed_memory
from training.methods.film_batches import LUNG_NET, FilmBatches, load_film_batches
from training.methods.film_training import CHECKPOINT_FILE, train_on_films
from training.methods.heatmap_in_graph import HeatmapClassifier
from training.methods.torch_model import build_model
from training.recipes.recipe import Films, Recipe, Stage
from training.reports.film_sweep_tables import figures_row, film_sweep_tables
from training.train import recalibrate_batch_norms, stage_model, start_of

SIZE = 128  # px: a step costs a third of one at 224 px
FILMS = Films(frozen=EARLY_LAYERS, dilation=4)  # as in stage 4 of the net that ships; px of 128 for 8 px of 224
LABELS_ONLY = Films(
    frozen=EARLY_LAYERS,
    second_share=0.0,
    outside_weight=0.0,
    half_mosaics=0.0,
    quarter_mosaics=0.0,
    twice=0.0,
    logit_penalty=0.0,
)
START = Stage(  # what all runs go on from: a net of the children's labels, as the one that ships was before stage 4
    SIZE,
    epochs=1.25,
    learning_rate=6e-4,
    augmentation="chest-xray-two-hospitals",
    random_stride_offset=True,
    weight_averaging=True,
    films=LABELS_ONLY,
)
COMPARED = replace(START, epochs=0.85, learning_rate=4e-4, films=FILMS)
SHORT_RECIPE = replace(
    CHEST_XRAY_LITE0, name="sweep-films", stages=(START, COMPARED), export_size=SIZE, batch_norm_images=256
)
WEIGHTS = (1.0, 0.0, 2.0, 0.5, 4.0)  # of the loss for evidence outside the lungs; the first one is stage 4's
SECOND_SEED = SHORT_RECIPE.seed + 1

State = dict[str, torch.Tensor]

FOLDER, TABLE_FILE = "sweep-films", "table.md"


@dataclass(frozen=True)
class Run:
    """One training: what it is called in the table, its settings and its seed."""

    name: str
    films: Films
    seed: int


def planned_runs(shipped: Films = FILMS, seed: int = SHORT_RECIPE.seed) -> tuple[Run, ...]:
    """Return the runs in order: every weight, all but the largest with a second seed, then without each other part."""
    weights = [Run(f"weight {weight:g}", replace(shipped, outside_weight=weight), seed) for weight in WEIGHTS]
    again = [replace(run, seed=SECOND_SEED) for run in weights[:4]]
    without = {
        "the second hospital": replace(shipped, second_share=0.0),
        "half-film mosaics": replace(shipped, half_mosaics=0.0),
        "films seen twice": replace(shipped, twice=0.0),
        "quarter mosaics": replace(shipped, quarter_mosaics=0.0),
        "L2 of the log-odds": replace(shipped, logit_penalty=0.0),
    }
    return (*weights, *again, *(Run(f"without {part}", films, seed) for part, films in without.items()))


def sweep(
    recipe: Recipe,
    planned: Sequence[Run],
    runs: Path,
    data: str | None = None,
    init: str | None = None,
    lung_net: Path | None = None,
) -> Path:
    """Return the file of the table of all planned runs; trains those that are not finished yet.

    Args:
        recipe: of two stages: the start of all runs, and the one whose ``films`` each run replaces.
        planned: the first one of each seed is what its others are compared with.
        runs: its folder ``sweep-films`` gets a file for each run.
        data: a local folder in the data set's schema, the others beside it (default: the Hub).
        init: the trunk that the first stage starts from (default: the recipe's).
        lung_net: folder of the net that finds the lungs that nobody drew.
    """
    folder = runs / FOLDER
    files = [
        folder / f"{run.name.replace(' ', '-')}-seed-{run.seed}-{_digest(recipe, init, run)}.json" for run in planned
    ]
    if not all(file.exists() for file in files):
        batches = load_film_batches(recipe, recipe.stages[-1], planned[0].films, runs, data, lung_net)
        validation = load_validation_films(recipe.source, recipe.preprocessing(), data)
        print(batches.note(1), flush=True)
        trainer = Trainer(recipe, batches, load_hospitals(recipe.source, "train", data), init)
        start = trainer.start(folder / f"start-{_digest(recipe, init)}")
        for run, file in zip(planned, files, strict=True):
            if not file.exists():
                begun = process_time()
                net = trainer.net(run, start, file.with_suffix(""))
                figures = {"run": asdict(run), **measure_net(net, validation)}
                _write(file, json.dumps({**figures, "cpu_seconds": process_time() - begun}))
                print(figures_row(figures, recipe.source.dataset), flush=True)
                _write_tables(folder / TABLE_FILE, files, recipe.source.dataset)
    return _write_tables(folder / TABLE_FILE, files, recipe.source.dataset)


@dataclass(frozen=True)
class Trainer:
    """Trains the start and the runs of a sweep on the same films."""

    recipe: Recipe
    batches: FilmBatches
    dataset: Dataset  # of the same training films
    init: str | None

    def start(self, folder: Path) -> State:
        """Return the weights that all runs go on from; trained once."""
        file = folder / "done.pt"
        if not file.exists():
            torch.save(self._trained(self.recipe.stages[0], None, self.recipe.seed, folder), file)
        return torch.load(file, weights_only=True)

    def net(self, run: Run, start: State, folder: Path) -> HeatmapClassifier:
        """Return a run's net at the exported size and stride; its checkpoint and log are in ``folder``.

        Runs of one seed that differ in the weight of a loss see the same batches.
        """
        recipe, stage = self.recipe, replace(self.recipe.stages[-1], films=run.films)
        state = self._trained(stage, start, run.seed, folder)
        exported = build_model(recipe, recipe.export_size, recipe.export_stride)
        exported.load_state_dict(state)
        weights = balancing_weights(self.dataset, run.films.second_share)
        chosen = np.random.default_rng(run.seed).choice(len(self.dataset), recipe.batch_norm_images, p=weights)
        recalibrate_batch_norms(exported, recipe, self.dataset.select(chosen))
        return HeatmapClassifier(exported.timm_model)

    def _trained(self, stage: Stage, state: State | None, seed: int, folder: Path) -> State:
        assert stage.films  # of every stage here
        self.batches.weights = torch.from_numpy(balancing_weights(self.dataset, stage.films.second_share))
        torch.manual_seed(seed)
        model = stage_model(self.recipe, stage, state, start_of(self.recipe, self.init))
        trained = train_on_films(self.recipe, stage, model, self.batches, folder).model.state_dict()
        (folder / CHECKPOINT_FILE).unlink(missing_ok=True)
        return trained


def _write_tables(table: Path, files: Sequence[Path], children: str) -> Path:
    """Return the file of the tables of the runs that are finished."""
    results = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    _write(table, film_sweep_tables(results, children))
    return table


def _write(file: Path, text: str) -> None:
    half = file.with_suffix(".part")
    half.write_text(text, encoding="utf-8")
    half.replace(file)


def _digest(recipe: Recipe, init: str | None, run: Run | None = None) -> str:
    """Return what tells one training from another of the same name: results of other settings are not reused."""
    settings = (recipe.stages, recipe.export_size, recipe.batch_size, recipe.batch_norm_images, run)
    return hashlib.sha256(repr((*settings, init and Path(init).name)).encode()).hexdigest()[:8]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("--init", help="the trunk: a Hub id or a .safetensors file with timm's names")


def run(options: argparse.Namespace) -> None:
    """Train and measure what is not finished yet, and print the tables."""
    keep_freed_memory()
    lung_net = options.models / LUNG_NET
    table = sweep(SHORT_RECIPE, planned_runs(), options.runs, options.data, options.init, lung_net)
    print(table.read_text(encoding="utf-8"))
