"""Tries static INT8 on an exported net: python -m training.quantize pcam-resnet18 [--data FOLDER]

Convolutions compute in 8 bits (QDQ format: onnxruntime's static quantisation, weights with a scale per channel,
activations with ranges seen on training pictures); pooling, classifier and heat map stay float32. What that costs and
saves on validation data is written to ``export.json``, where the model card finds it. The quantised file stays in
``runs/``.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from sklearn.metrics import roc_auc_score

from overread.catalogue import MODELS_FOLDER
from overread.model_folder import ONNX_FILE
from overread.session import OnnxSession, Outputs
from training.data.splits import load_split
from training.data.validation_set import validation_pictures
from training.export import CALIBRATED, EXPORT_FILE, margin, run_over
from training.measure.calibration import sigmoid
from training.recipes.nets import RECIPES, Recipe

CALIBRATION_PICTURES = 128
LARGEST_AUC_LOSS = 0.002
ROUNDS = 30  # one picture each, of which the median is taken
QUANTIZED = ("Conv", "Add", "Relu", "Clip")  # the trunk; what comes after the last convolution has none of these


class TrainingPictures(CalibrationDataReader):
    """Hands onnxruntime one preprocessed picture at a time."""

    def __init__(self, pixel_values: npt.NDArray[np.float32]) -> None:
        """Take (N, 3, H, W) float32."""
        self._batches: Iterator[dict[str, Any]] = iter([{"pixel_values": pixels[None]} for pixels in pixel_values])

    def get_next(self) -> dict[str, Any] | None:
        """Return the next input, or None after the last."""
        return next(self._batches, None)


def quantize(source: Path, target: Path, pixel_values: npt.NDArray[np.float32]) -> None:
    """Write an INT8 copy of a float32 ONNX file.

    Args:
        source: the file, with weights in float32.
        target: the copy.
        pixel_values: (N, 3, H, W) float32, preprocessed training pictures, whose activations set the ranges.
    """
    prepared = target.with_suffix(".prepared.onnx")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        target,
        TrainingPictures(pixel_values),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(QUANTIZED),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    prepared.unlink()


def compare_files(shipped: Outputs, quantized: Outputs, labels: npt.NDArray[np.integer]) -> dict[str, Any]:
    """Return what quantisation changes: AUC of both, the largest change of a probability, the maps' correlation."""
    before, after = (roc_auc_score(labels, margin(outputs)) for outputs in (shipped, quantized))
    return {
        "images": len(labels),
        "auc": float(before),
        "auc_int8": float(after),
        "largest_probability_difference": float(np.abs(sigmoid(margin(shipped)) - sigmoid(margin(quantized))).max()),
        "heatmap_correlation": float(np.corrcoef(shipped.heatmap.ravel(), quantized.heatmap.ravel())[0, 1]),
    }


def milliseconds(sessions: list[OnnxSession], pixel_values: npt.NDArray[np.float32]) -> list[float]:
    """Return the median time of one picture, (1, 3, H, W), in each session; they take turns."""
    times = np.zeros((ROUNDS, len(sessions)))
    for row in times:
        for column, session in enumerate(sessions):
            started = perf_counter()
            session.run(pixel_values)
            row[column] = (perf_counter() - started) * 1000
    return [float(value) for value in np.median(times, axis=0)]


def try_int8(recipe: Recipe, runs: Path, data: str | None = None, weights: Path = MODELS_FOLDER) -> dict[str, Any]:
    """Return what static INT8 costs and saves, and write it to the model folder's ``export.json``.

    Args:
        recipe: of the exported net.
        runs: where ``training.export`` left the float32 file.
        data: local folder in the data set's schema (default: the Hub).
        weights: where the model folder is.
    """
    folder, work = weights / recipe.name, runs / recipe.name
    preprocess, target = recipe.preprocessing(), work / "int8.onnx"
    train = load_split(recipe.source, "train", data).shuffle(seed=recipe.seed)
    chosen = train.select(range(min(CALIBRATION_PICTURES, len(train))))
    pixel_values = preprocess([image.convert("RGB") for image in chosen["image"]])
    quantize(work / CALIBRATED, target, pixel_values)

    validation = validation_pictures(recipe, data)
    shipped, quantized = (OnnxSession(file, threads=1) for file in (folder / ONNX_FILE, target))
    found = compare_files(
        run_over(shipped, preprocess, validation), run_over(quantized, preprocess, validation), validation.labels
    )
    found["ms"], found["ms_int8"] = milliseconds([shipped, quantized], pixel_values[:1])
    found["bytes"], found["bytes_int8"] = ((folder / ONNX_FILE).stat().st_size, target.stat().st_size)
    record = json.loads((folder / EXPORT_FILE).read_text(encoding="utf-8"))
    (folder / EXPORT_FILE).write_text(json.dumps(record | {"static_int8": found}, indent=1) + "\n", encoding="utf-8")
    return found


def main() -> None:
    """Quantise the net named on the command line and print what that changes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--data", help="local folder in the data set's schema (default: the Hub)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where training.export left its files")
    arguments = parser.parse_args()
    found = try_int8(RECIPES[arguments.recipe], arguments.runs, arguments.data)
    print(json.dumps(found, indent=1))
    loss = found["auc"] - found["auc_int8"]
    print(f"AUC loss {loss:.4f}: {'within' if loss < LARGEST_AUC_LOSS else 'beyond'} {LARGEST_AUC_LOSS}")


if __name__ == "__main__":
    main()
