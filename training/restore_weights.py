"""Rebuilds a net's torch weights from its ONNX file: python -m training restore-weights NAME [--stage N] [--final]

The ONNX file holds the whole net: weights at their 8-bit levels, with batch norms folded into convolutions. The rebuilt
net computes the same log-odds, so git need not carry large nets twice. Writes ``model.safetensors``, which timm,
transformers and ``overread push`` need, into the model folder; with ``--stage N`` also the checkpoint from
which ``python -m training train`` goes on with stage N of the recipe. With ``--final`` also the net without its
calibration, where ``python -m training export`` finds it and calibrates it anew.
"""

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from transformers import TimmWrapperForImageClassification

from overread.model_folder import CONFIG_FILE, ONNX_FILE
from training.data.splits import load_split
from training.export import fold_calibration
from training.measure.calibration import Calibration
from training.measure.training_record import TRAINING_FILE, read_record, write_record
from training.methods.torch_model import build_model, save_weights
from training.recipes.nets import RECIPES
from training.recipes.recipe import Recipe

IMAGES = 256  # enough for statistics of every channel over all its cells
BATCH_SIZE = 32


def read_weights(file: Path) -> dict[str, Tensor]:
    """Return an ONNX file's weights by name, float32; those stored in 8 bits are brought back."""
    tensors = {
        tensor.name: torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
        for tensor in onnx.load(file).graph.initializer
    }
    whole = {name: value for name, value in tensors.items() if not name.endswith(("_int8", "_scale"))}
    stored = [name.removesuffix("_int8") for name in tensors if name.endswith("_int8")]
    return whole | {name: tensors[f"{name}_int8"].float() * tensors[f"{name}_scale"] for name in stored}


def restore(recipe: Recipe, file: Path) -> TimmWrapperForImageClassification:
    """Return the net that an exported ONNX file holds, in eval mode at the exported stride.

    Every batch norm has mean 0 and variance 1: it only adds the bias that it was folded into.

    Raises:
        ValueError: if the file is of another architecture.
    """
    weights = read_weights(file)
    model = build_model(recipe, recipe.export_size, recipe.export_stride).eval()
    classifier = model.timm_model.get_classifier()
    try:
        with torch.no_grad():
            for name, convolution, norm in _folded_pairs(model.timm_model):
                convolution.weight.copy_(weights[f"net.{name}.weight"])
                norm.running_mean.zero_()
                norm.running_var.fill_(1 - norm.eps)
                norm.weight.fill_(1)
                norm.bias.copy_(weights[f"net.{name}.weight_bias"])
            classifier.weight.copy_(weights["classifier.weight"])
            classifier.bias.copy_(weights["classifier.bias"])
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{file.name} does not hold a {recipe.architecture} of ours: {error}") from error
    return model


def unfold_batch_norms(model: TimmWrapperForImageClassification, batches: list[Tensor]) -> None:
    """Give a restored net's batch norms, in place, the statistics of images, so that training can go on.

    Scale and shift undo what the statistics change: the net computes the same as before.

    Args:
        model: from ``restore``.
        batches: (N, 3, H, W) float32, preprocessed.
    """
    pairs = _folded_pairs(model.timm_model)
    sums = [torch.zeros(3, norm.num_features, dtype=torch.float64) for _, _, norm in pairs]

    def adding_to(total: Tensor) -> Any:
        def add(_: nn.Module, __: Any, output: Tensor) -> None:
            values = output.double().transpose(0, 1).flatten(1)  # (channels, N h w)
            total[0] += values.shape[1]
            total[1] += values.sum(1)
            total[2] += values.square().sum(1)

        return add

    hooks = [pair[1].register_forward_hook(adding_to(total)) for pair, total in zip(pairs, sums, strict=True)]
    with torch.no_grad():
        for pixel_values in batches:
            model.timm_model(pixel_values)
        for hook in hooks:
            hook.remove()
        for (_, _, norm), (number, first, second) in zip(pairs, sums, strict=True):
            mean = first / number
            variance = (second / number - mean.square()).clamp_min(1e-6)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.add_(mean)


def _folded_pairs(net: Any) -> list[tuple[str, Any, Any]]:
    """Return each convolution, by its name, with the batch norm that reads what it gives."""
    made: dict[int, tuple[str, nn.Module, Tensor]] = {}  # by the output's identity; the output is kept alive
    pairs = []

    def note(name: str) -> Any:
        def hook(module: nn.Module, _: Any, output: Tensor) -> None:
            made[id(output)] = (name, module, output)

        return hook

    def match(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if id(inputs[0]) in made:
            pairs.append((*made[id(inputs[0])][:2], norm))

    hooks = []
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(note(name)))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(match))
    with torch.no_grad():
        net.forward_features(torch.zeros(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    if len(pairs) != len(made):
        raise ValueError("only nets whose every convolution is followed by a batch norm can be restored")
    return pairs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("net", choices=sorted(RECIPES), metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--stage", type=int, help="let training go on with this stage of the recipe, 1 or more")
    parser.add_argument("--final", action="store_true", help="let the net be exported again, with a new calibration")


def run(options: argparse.Namespace) -> None:
    """Restore the net and print the files that are written."""
    recipe = RECIPES[options.net]
    folder = options.models / recipe.name
    model = restore(recipe, folder / ONNX_FILE)
    print(save_weights(model, folder))
    if options.stage:
        print(write_checkpoint(recipe, model, options.stage, folder, options.runs, options.data))
    if options.final:
        print(write_final(recipe, folder, options.runs))


def write_final(recipe: Recipe, folder: Path, runs: Path) -> Path:
    """Return the folder in ``runs`` of the trained net as it was before its calibration, for ``export``.

    Args:
        recipe: of the net.
        folder: the model folder, with ``config.json`` and ``training.json``.
        runs: where trained nets are.
    """
    fitted = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["overread"]["calibration"]
    slope, intercept = fitted["slope"], fitted["intercept"]
    model = restore(recipe, folder / ONNX_FILE)
    fold_calibration(model.timm_model.get_classifier(), Calibration(1 / slope, -intercept / slope))  # the inverse
    final = runs / recipe.name / "final"
    model.save_pretrained(final)
    shutil.copy(folder / TRAINING_FILE, final)
    return final


def write_checkpoint(
    recipe: Recipe,
    model: TimmWrapperForImageClassification,
    stage: int,
    folder: Path,
    runs: Path,
    data: str | None = None,
) -> Path:
    """Return the checkpoint in ``runs`` from which training goes on with a stage; copies the training record there.

    Args:
        recipe: of the net.
        model: from ``restore``; its batch norms are changed in place.
        stage: which is trained next, 1 or more.
        folder: the model folder, with ``training.json``.
        runs: where checkpoints go.
        data: a local folder in the data set's schema (default: the Hub).
    """
    train = load_split(recipe.source, "train", data).shuffle(seed=recipe.seed)
    preprocess = recipe.preprocessing()
    rows = range(0, min(IMAGES, len(train)), BATCH_SIZE)
    batches = [[image.convert("RGB") for image in train[row : row + BATCH_SIZE]["image"]] for row in rows]
    unfold_batch_norms(model, [torch.from_numpy(preprocess(batch)) for batch in batches])
    checkpoint = runs / recipe.name / f"stage-{stage - 1}-done.pt"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), checkpoint)
    record = read_record(folder)
    note = f"Stage {stage + 1} and later went on from the weights of the ONNX file, at their 8-bit levels."
    write_record(replace(record, stages=record.stages[:stage], notes=(*record.notes, note)), checkpoint.parent)
    return checkpoint
