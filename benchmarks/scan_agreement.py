"""How near a dense scan is to single patches: python -m benchmarks.scan_agreement --data FOLDER

Stitches validation patches to mosaics of 3 x 3, scans each mosaic densely with a stride of one patch, and compares with
the single patches. Writes ``overread/scan/dense_agreement.json``, from which a scan takes the recalibration of dense
log-odds and whether a model scans densely by default. A mosaic is a hard case: the neighbours in it are of other
slides and labels, while in tissue they resemble the patch.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from PIL import Image
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from overread.catalogue import catalogue
from overread.model_folder import ONNX_FILE
from overread.probability import sigmoid
from overread.scan.dense import DenseEngine
from overread.scan.engine import CellMap
from overread.scan.grid import PatchGrid, Tile
from overread.scan.models import AGREEMENT_FILE, ScanModel, dense_session, scan_model
from training.data.splits import load_split
from training.recipes.nets import RECIPES

RESULT = Path(__file__).parents[1] / "overread" / "scan" / AGREEMENT_FILE
SIDE = 3  # patches along a mosaic's side
RESAMPLES = 1000
# A dense scan is the default where it costs at most this much AUC (upper end of a 95 % interval) and decides alike at
# least this often.
LARGEST_AUC_LOSS, SMALLEST_AGREEMENT = 0.005, 0.95
Doubles = npt.NDArray[np.float64]


def mosaic_log_odds(model: ScanModel, dataset: Dataset) -> tuple[Doubles, Doubles, npt.NDArray[np.int64]]:
    """Return log-odds of single patches, dense log-odds of the same patches in mosaics, and labels."""
    per_mosaic, patch = SIDE * SIDE, model.region.patch_px
    order = np.random.default_rng(0).permutation(len(dataset))[: len(dataset) // per_mosaic * per_mosaic]
    grid = PatchGrid.over((SIDE * patch, SIDE * patch), patch, patch)
    config = model.classifier.config
    session = dense_session(model.classifier.folder / ONNX_FILE, model.threads)
    engine = DenseEngine(session, config.preprocessing, config.heatmap.bias, CellMap(grid, model.cell))
    everything, tile = np.ones((SIDE, SIDE), bool), Tile(0, SIDE, 0, SIDE)
    single: list[float] = []
    dense: list[float] = []
    for start in tqdm(range(0, len(order), per_mosaic), desc=model.classifier.identity.name, unit="mosaic"):
        images = [dataset[int(index)]["image"].convert("RGB") for index in order[start : start + per_mosaic]]
        single += model.classifier.evidence(images).log_odds.tolist()
        mosaic = Image.new("RGB", (SIDE * patch, SIDE * patch))
        for index, image in enumerate(images):
            mosaic.paste(image, (index % SIDE * patch, index // SIDE * patch))
        dense += engine.answer(mosaic, (0, 0), tile, everything, lambda: None).log_odds.ravel().tolist()
    return np.array(single), np.array(dense), np.asarray(dataset["labels"], np.int64)[order]


def compare(single: Doubles, dense: Doubles, labels: npt.NDArray[np.int64], threshold: float) -> dict[str, Any]:
    """Return agreement and AUC, with the recalibration of dense log-odds fitted by least squares.

    Args:
        single: (N,) log-odds, mosaic by mosaic.
        dense: likewise.
        labels: (N,) 0 or 1.
        threshold: on the probability, at which decisions are compared.
    """
    slope, intercept = np.polyfit(dense, single, 1)
    recalibrated = slope * dense + intercept
    random, per_mosaic = np.random.default_rng(0), SIDE * SIDE
    losses = []
    for _ in range(RESAMPLES):  # whole mosaics, whose patches are not independent
        drawn = random.integers(0, len(labels) // per_mosaic, len(labels) // per_mosaic)
        rows = (drawn[:, None] * per_mosaic + np.arange(per_mosaic)).ravel()
        losses.append(roc_auc_score(labels[rows], single[rows]) - roc_auc_score(labels[rows], dense[rows]))
    low, high = np.quantile(losses, [0.025, 0.975])
    same = float(((sigmoid(single) >= threshold) == (sigmoid(recalibrated) >= threshold)).mean())
    return {
        "split": "validation, mosaics of 3 x 3",
        "patches": len(labels),
        "auc_single": round(float(roc_auc_score(labels, single)), 4),
        "auc_dense": round(float(roc_auc_score(labels, dense)), 4),
        "auc_loss_interval": [round(float(low), 4), round(float(high), 4)],
        "correlation": round(float(np.corrcoef(single, dense)[0, 1]), 4),
        "same_decision": round(same, 4),
        "mean_difference": round(float(np.abs(single - recalibrated).mean()), 4),
        "slope": round(float(slope), 4),
        "intercept": round(float(intercept), 4),
        "dense_by_default": bool(high <= LARGEST_AUC_LOSS and same >= SMALLEST_AGREEMENT),
    }


def main() -> None:
    """Measure every single net of the histopathology tab."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="local folder in the data set's schema (default: the Hub)")
    parser.add_argument("--models", nargs="*", help="names (default: every single net of the histopathology tab)")
    parser.add_argument("--threads", type=int, help="for one inference")
    options = parser.parse_args()
    nets = [one.name for one in catalogue().values() if one.domain == "histopathology" and not one.members]
    results = json.loads(RESULT.read_text(encoding="utf-8")) if options.models else {}
    for name in options.models or nets:
        model = scan_model(name, options.threads)
        dataset = load_split(RECIPES[name].source, "validation", options.data)
        point = model.classifier.config.operating_point(None)
        measured = compare(*mosaic_log_odds(model, dataset), point.threshold)
        results[model.classifier.identity.sha256] = {"model": name, **measured}
        print(name, measured)
    RESULT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
