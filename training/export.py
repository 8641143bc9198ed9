"""Turns a trained net into its model folder: python -m training export pcam-resnet18 [--data FOLDER]

Calibrates on validation data, writes ``models/<name>/`` (config.json, preprocessor_config.json, training.json,
model.safetensors with large weights in half precision, onnx/model.onnx with weights stored in 8 bits), and pins its
files and the words of its tab in ``models/catalogue.json``. What storing weights in 8 bits changes is measured on
validation data and written to ``export.json``. Next: ``python -m training evaluate``, then ``python -m training
report``.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import nn
from transformers import TimmWrapperForImageClassification

from overread.catalogue import CATALOGUE_FILE, MODELS_FOLDER, pin_files, pin_words
from overread.classifier import BATCH_SIZE
from overread.model_folder import CONFIG_FILE, ONNX_FILE, digests_of
from overread.preprocessing import Preprocessing
from overread.probability import log_odds, sigmoid
from overread.session import OnnxSession, Outputs
from training.data.validation_set import ValidationImages, validation_images
from training.measure.calibration import Calibration, colour_scale, fit_calibration
from training.measure.operating_points import decision_settings
from training.measure.training_record import TRAINING_FILE
from training.methods.heatmap_in_graph import HeatmapClassifier
from training.methods.preprocessing_in_graph import write_preprocessing
from training.methods.torch_model import save_weights
from training.methods.weight_compression import EXPORT_FILE, compress_file, round_weights
from training.recipes.nets import DOMAINS, RECIPES
from training.recipes.recipe import Recipe

OPSET = 18


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


def run_over(session: OnnxSession, preprocess: Preprocessing, validation: ValidationImages) -> Outputs:
    """Return the session's outputs for every validation picture."""
    parts = [session.run(preprocess(pictures)) for pictures in validation.batches(BATCH_SIZE)]
    return Outputs(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.heatmap for part in parts]),
        np.concatenate([part.embedding for part in parts]),
    )


def export(recipe: Recipe, runs: Path, data: str | None = None, models: Path = MODELS_FOLDER) -> Path:
    """Return the finished model folder, ``<models>/<recipe's name>``.

    Args:
        recipe: what was trained.
        runs: where training left ``<name>/final``.
        data: a local folder in the data set's schema (default: the Hub).
        models: where the model folder goes.
    """
    validation = validation_images(recipe.source, data)
    labels, targets, weights = validation.labels, validation.targets, validation.weights
    preprocess = recipe.preprocessing()
    trained = runs / recipe.name / "final"
    wrapper = TimmWrapperForImageClassification.from_pretrained(trained).eval()
    model = HeatmapClassifier(wrapper.timm_model)

    raw_file = runs / recipe.name / "uncalibrated.onnx"
    export_onnx(model, recipe.export_size, raw_file)
    raw = run_over(OnnxSession(raw_file), preprocess, validation)
    calibration = fit_calibration(log_odds(raw.logits), targets, weights)
    fold_calibration(wrapper.timm_model.get_classifier(), calibration)
    round_weights(wrapper.timm_model)

    folder = models / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    calibrated_file = runs / recipe.name / "calibrated.onnx"
    export_onnx(model, recipe.export_size, calibrated_file)
    (folder / ONNX_FILE).parent.mkdir(exist_ok=True)
    compress_file(calibrated_file, folder / ONNX_FILE)
    shipped = run_over(OnnxSession(folder / ONNX_FILE), preprocess, validation)

    probabilities = sigmoid(log_odds(shipped.logits))
    wrapper.save_pretrained(folder)  # config.json
    save_weights(wrapper, folder)
    shutil.copy(trained / TRAINING_FILE, folder)
    write_config(
        folder,
        {
            "title": recipe.title,
            "summary": recipe.summary,
            "finding": recipe.source.finding,
            **decision_settings(calibration, validation.name, probabilities, targets, weights),
            "heatmap": {
                "layer": "last convolutional stage",
                "bias": model.bias,
                "scale": colour_scale(shipped.heatmap),
            },
            "region": dict(recipe.source.region) or None,
        },
    )
    uncompressed = calibration.slope * log_odds(raw.logits) + calibration.intercept
    effect = {
        "validation_auc_float32": float(roc_auc_score(labels, log_odds(raw.logits))),
        "validation_auc_int8_storage": float(roc_auc_score(labels, log_odds(shipped.logits))),
        "largest_probability_difference": float(np.abs(probabilities - sigmoid(uncompressed)).max()),
        "largest_heatmap_difference": float(np.abs(shipped.heatmap - calibration.slope * raw.heatmap).max()),
        "images": len(labels),
    }
    (folder / EXPORT_FILE).write_text(json.dumps({"weight_storage": effect}, indent=1) + "\n", encoding="utf-8")
    return folder


def write_config(folder: Path, ours: dict[str, Any]) -> None:
    """Add our block to the ``config.json`` that transformers wrote, and what other loaders read, beside it."""
    path = folder / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8"))
    config["dtype"] = "float32"  # large weights are stored in half precision; all are computed with in float32
    config["overread"] = ours
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    describe_for_javascript(folder)


def describe_for_javascript(folder: Path) -> None:
    """Write what Transformers.js needs, which reads neither ``label_names`` nor timm's ``pretrained_cfg``.

    That is ``id2label`` in ``config.json``, the same preprocessing as a ViT's in ``preprocessor_config.json``, and
    ``onnx/preprocess.onnx``, since no JavaScript resizes as Pillow does.
    """
    path = folder / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8"))
    labels = {"id2label": {str(number): label for number, label in enumerate(config["label_names"])}}
    path.write_text(json.dumps(labels | config, indent=2) + "\n", encoding="utf-8")
    preprocessing = Preprocessing.from_pretrained_cfg(config["pretrained_cfg"])
    processor = {
        "image_processor_type": "ViTImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"height": preprocessing.height, "width": preprocessing.width},
        "resample": Image.Resampling[preprocessing.interpolation.upper()].value,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(preprocessing.mean),
        "image_std": list(preprocessing.std),
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n", encoding="utf-8")
    write_preprocessing(preprocessing, folder)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("net", choices=sorted(RECIPES), metavar="NAME", help=", ".join(RECIPES))


def run(options: argparse.Namespace) -> None:
    """Export the net, pin its files and what its tab says, print its folder."""
    recipe = RECIPES[options.net]
    folder = export(recipe, options.runs, options.data, options.models)
    catalogue_file = options.models / CATALOGUE_FILE.name
    pin_words(recipe.source.domain, DOMAINS[recipe.source.domain].text, file=catalogue_file)
    pin_files(
        recipe.name,
        recipe.source.domain,
        digests_of(folder),
        file=catalogue_file,
        title=recipe.title,
        summary=recipe.summary,
    )
    print(folder)
