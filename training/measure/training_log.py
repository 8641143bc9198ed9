"""The log of a training: images per second while it runs, ``history.csv`` and ``history.png`` at the end."""

import csv
from pathlib import Path
from time import perf_counter
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.measure import plots

COLUMNS = (
    "epoch",
    "step",
    "loss",
    "learning_rate",
    "images_per_second",
    "eval_auc",
    "eval_loss",
    "eval_samples_per_second",
    "train_samples_per_second",
)


class ImagesPerSecond(TrainerCallback):
    """Adds ``images_per_second`` to the training log; the time of evaluations counts."""

    def __init__(self) -> None:
        """Measure from the first log on."""
        self._last: tuple[int, float] | None = None  # step, seconds

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add the speed to the newest entry of the history."""
        now = (state.global_step, perf_counter())
        if self._last and logs and "loss" in logs and now[0] > self._last[0]:
            images = (now[0] - self._last[0]) * args.train_batch_size * args.world_size
            state.log_history[-1]["images_per_second"] = round(images / (now[1] - self._last[1]), 1)
        self._last = now


def write_history(log_history: list[dict[str, Any]], folder: Path) -> None:
    """Write ``history.csv``, one row per logged step, and ``history.png``.

    ``train_samples_per_second`` is in the last row only. It is too high for a resumed training, since transformers
    divides all images by the time since the last start.

    Args:
        log_history: of transformers' ``TrainerState``.
        folder: must exist; the two files are replaced.
    """
    steps: dict[int, dict[str, Any]] = {}
    for entry in log_history:  # training, evaluation and summary are separate entries of one step
        steps.setdefault(entry["step"], {}).update(entry)
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(steps[step] for step in sorted(steps))
    plots.history(log_history, folder / "history.png")
