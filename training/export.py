"""Turns a trained net into its model folder: python -m training.export pcam-resnet18 [--data FOLDER]

Calibrates on validation data, writes ``models/<name>/`` (config.json, preprocessor_config.json,
model.safetensors with large weights in half precision, onnx/model.onnx with weights stored in 8 bits) and pins its
files in ``models/catalogue.json``. What storing weights in 8 bits changes is measured on validation data and written to
``export.json``. The model card and its figures come after, from ``python -m training.evaluate``.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from transformers import TimmWrapperForImageClassification

from overread.catalogue import CATALOGUE_FILE, MODELS_FOLDER, Domain
from overread.classifier import BATCH_SIZE
from overread.model_folder import CONFIG_FILE, NEEDED_FILES, ONNX_FILE, sha256_of
from overread.preprocessing import Preprocessing
from overread.session import OnnxSession, Outputs
from training.data.validation_set import ValidationPictures, validation_pictures
from training.measure.calibration import Calibration, colour_scale, decisions, fit_calibration, sigmoid
from training.methods.gradcam import HeatmapClassifier
from training.methods.weight_storage import compress_file, halve_large, round_weights
from training.recipes.nets import RECIPES, Recipe

OPSET = 18
CALIBRATED = "calibrated.onnx"  # float32, in the training's folder
EXPORT_FILE = "export.json"


def export_onnx(model: HeatmapClassifier, size: int, path: Path) -> None:
    """Write the net as ONNX: ``pixel_values`` (N, 3, size, size) to ``logits``, ``heatmap`` and ``embedding``."""
    batch = torch.export.Dim("batch", min=1, max=256)
    program = torch.onnx.export(
        model.eval(),
        (torch.zeros(2, 3, size, size),),
        dynamo=True,
        opset_version=OPSET,
        input_names=["pixel_values"],
        output_names=["logits", "heatmap", "embedding"],
        dynamic_shapes=({0: batch},),
        verbose=False,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    assert program is not None  # it is None only for the older exporter
    program.save(path, external_data=False)


def fold_calibration(classifier: nn.Linear, calibration: Calibration) -> None:
    """Change the classifier, of two outputs, in place so that its softmax is the calibrated probability."""
    half = calibration.intercept / 2
    with torch.no_grad():
        classifier.weight.mul_(calibration.slope)
        classifier.bias.mul_(calibration.slope).add_(torch.tensor([-half, half]))


def run_over(session: OnnxSession, preprocess: Preprocessing, validation: ValidationPictures) -> Outputs:
    """Return the session's outputs for every validation picture."""
    parts = [session.run(preprocess(pictures)) for pictures in validation.batches(BATCH_SIZE)]
    return Outputs(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.heatmap for part in parts]),
        np.concatenate([part.embedding for part in parts]),
    )


def export(recipe: Recipe, runs: Path, data: str | None = None, weights: Path = MODELS_FOLDER) -> Path:
    """Return the finished model folder, ``<weights>/<recipe's name>``.

    Args:
        recipe: what was trained.
        runs: where ``training.train`` left ``<name>/final``.
        data: local folder in the data set's schema (default: the Hub).
        weights: where the model folder goes.
    """
    validation = validation_pictures(recipe, data)
    labels = validation.labels
    preprocess = recipe.preprocessing()
    wrapper = TimmWrapperForImageClassification.from_pretrained(runs / recipe.name / "final").eval()
    model = HeatmapClassifier(wrapper.timm_model)

    raw_file = runs / recipe.name / "uncalibrated.onnx"
    export_onnx(model, recipe.export_size, raw_file)
    raw = run_over(OnnxSession(raw_file), preprocess, validation)
    calibration = fit_calibration(margin(raw), labels)
    fold_calibration(wrapper.timm_model.get_classifier(), calibration)
    round_weights(wrapper.timm_model)

    folder = weights / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    calibrated_file = runs / recipe.name / CALIBRATED
    export_onnx(model, recipe.export_size, calibrated_file)
    (folder / ONNX_FILE).parent.mkdir(exist_ok=True)
    compress_file(calibrated_file, folder / ONNX_FILE)
    shipped = run_over(OnnxSession(folder / ONNX_FILE), preprocess, validation)

    probabilities = sigmoid(margin(shipped))
    wrapper.save_pretrained(folder, state_dict=halve_large(wrapper.state_dict()))
    write_config(
        folder,
        {
            "finding": recipe.source.finding,
            **decisions(calibration, validation.name, probabilities, labels),
            "heatmap": {
                "layer": "last convolutional stage",
                "bias": model.bias,
                "scale": colour_scale(shipped.heatmap),
            },
            "region": dict(recipe.source.region) or None,
        },
    )
    uncompressed = calibration.slope * margin(raw) + calibration.intercept
    effect = {
        "validation_auc_float32": float(roc_auc_score(labels, margin(raw))),
        "validation_auc_int8_storage": float(roc_auc_score(labels, margin(shipped))),
        "largest_probability_difference": float(np.abs(probabilities - sigmoid(uncompressed)).max()),
        "largest_heatmap_difference": float(np.abs(shipped.heatmap - calibration.slope * raw.heatmap).max()),
        "images": len(labels),
    }
    record = {"recipe": asdict(recipe), "weight_storage": effect}
    (folder / EXPORT_FILE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return folder


def margin(outputs: Outputs) -> np.ndarray:
    """Return (N,) float64 ``logit_1 - logit_0``, the log-odds of the finding."""
    logits = outputs.logits.astype(np.float64)
    return logits[:, 1] - logits[:, 0]


def write_config(folder: Path, ours: dict[str, Any]) -> None:
    """Add our block to the ``config.json`` that transformers wrote; write ``preprocessor_config.json`` beside it."""
    path = folder / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8"))
    config["dtype"] = "float32"  # large weights are stored in half precision; all are computed with in float32
    config["overread"] = ours
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    processor = {
        "image_processor_type": "TimmWrapperImageProcessor",
        "architecture": config["architecture"],
        "pretrained_cfg": config["pretrained_cfg"],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n", encoding="utf-8")


def pin(folder: Path, domain: Domain, members: Sequence[str] = (), catalogue_file: Path = CATALOGUE_FILE) -> None:
    """Write the folder's digests into the catalogue, so that no other files are served under its name.

    Args:
        folder: the model folder; a name that is new to the catalogue becomes its last entry.
        domain: which tab it answers in.
        members: an ensemble's nets.
        catalogue_file: the catalogue.
    """
    catalogue = json.loads(catalogue_file.read_text(encoding="utf-8"))
    entry = catalogue["models"].setdefault(folder.name, {"domain": domain, "revision": "main"})
    if members:
        entry["members"] = list(members)
    needed = (CONFIG_FILE,) if members else NEEDED_FILES
    entry["sha256"] = {file: sha256_of(folder / file) for file in needed}
    catalogue_file.write_text(json.dumps(catalogue, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Export the recipe named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--data", help="local folder in the data set's schema (default: the Hub)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where training left its nets (default: runs)")
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.recipe]
    folder = export(recipe, arguments.runs, arguments.data)
    pin(folder, recipe.source.domain)
    print(folder)


if __name__ == "__main__":
    main()
