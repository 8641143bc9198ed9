"""Rebuilds a bundled net's torch weights from its ONNX file: python -m training.restore pcam-resnet18 [--stage N]

The ONNX file holds all that the net knows: weights at their 8-bit levels, with batch norms folded into convolutions.
Rebuilt, it computes the same answers, so git need not carry large nets twice. Writes ``model.safetensors``, which
transformers and ``training.push`` want, into the model folder; with ``--stage N`` also the checkpoint from which
``training.train`` goes on with stage N of the recipe.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import TimmWrapperForImageClassification

from overread.catalogue import MODELS_FOLDER
from overread.model_folder import ONNX_FILE
from training.data.splits import load_split
from training.methods.weight_storage import halve_large
from training.recipes.nets import RECIPES, Recipe
from training.train import build_model

PICTURES = 256  # enough for statistics of every channel over all its cells
BATCH_SIZE = 32
TORCH_FILE = "model.safetensors"


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
    """Return the net that an ONNX file of ``training.export`` holds, in eval mode at the exported stride.

    Every batch norm only adds what it was folded to: it has mean 0 and variance 1.

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
    """Give a restored net's batch norms, in place, the statistics of pictures, so that training can go on.

    What the net computes stays: scale and shift take back what the statistics change.

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


def main() -> None:
    """Restore the net named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--stage", type=int, help="let training go on with this stage of the recipe, 1 or more")
    parser.add_argument("--data", help="with --stage: local folder in the data set's schema (default: the Hub)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go (default: runs)")
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.recipe]
    folder = MODELS_FOLDER / recipe.name
    model = restore(recipe, folder / ONNX_FILE)
    save_file(halve_large(model.state_dict()), folder / TORCH_FILE, metadata={"format": "pt"})
    print(folder / TORCH_FILE)
    if arguments.stage:
        train = load_split(recipe.source, "train", arguments.data).shuffle(seed=recipe.seed)
        preprocess = recipe.preprocessing()
        rows = range(0, min(PICTURES, len(train)), BATCH_SIZE)
        pictures = [[image.convert("RGB") for image in train[row : row + BATCH_SIZE]["image"]] for row in rows]
        unfold_batch_norms(model, [torch.from_numpy(preprocess(batch)) for batch in pictures])
        checkpoint = arguments.runs / recipe.name / f"stage-{arguments.stage - 1}-done.pt"
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), checkpoint)
        print(checkpoint)


if __name__ == "__main__":
    main()
