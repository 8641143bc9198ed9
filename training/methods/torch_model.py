"""A recipe's net in torch: built, started from pretrained weights, written as ``model.safetensors``."""

from pathlib import Path

import timm
import torch
from safetensors.torch import load_file, save_file
from transformers import TimmWrapperConfig, TimmWrapperForImageClassification

from training.methods.weight_compression import halve_large
from training.recipes.recipe import Recipe

TORCH_FILE = "model.safetensors"


def build_model(recipe: Recipe, size: int, output_stride: int) -> TimmWrapperForImageClassification:
    """Return the recipe's net with random weights, as the transformers class that loads the exported folder."""
    config = TimmWrapperConfig(  # type: ignore[call-arg]  # pretrained_cfg is kept, as every extra key is
        architecture=recipe.architecture,
        model_args={"output_stride": output_stride},
        id2label=dict(enumerate(recipe.source.labels)),
        label2id={label: index for index, label in enumerate(recipe.source.labels)},
        pretrained_cfg=recipe.preprocessing(size).to_pretrained_cfg(),
    )
    return TimmWrapperForImageClassification(config)


def load_initial_weights(model: TimmWrapperForImageClassification, recipe: Recipe, init: str) -> None:
    """Copy a trunk into ``model`` and set its classifier to zero: a random one wrecks the trunk in the first steps.

    Args:
        model: changed in place.
        recipe: names the architecture when ``init`` is a Hub id.
        init: a ``.safetensors`` file with timm's names, or a Hub id such as ``timm/resnet18.a1_in1k``.
    """
    net = model.timm_model
    if Path(init).is_file():
        state = load_file(init)
    else:
        state = timm.create_model(f"hf_hub:{init}", pretrained=True).state_dict()
    own = net.state_dict()
    fitting = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise SystemExit(f"{init} has no weights that fit {recipe.architecture}: is it the same architecture?")
    net.load_state_dict(fitting, strict=False)
    classifier = net.get_classifier()
    torch.nn.init.zeros_(classifier.weight)
    torch.nn.init.zeros_(classifier.bias)


def save_weights(model: TimmWrapperForImageClassification, folder: Path) -> Path:
    """Return ``model.safetensors`` of a folder, with large weights in half precision.

    The names are timm's, without transformers' prefix ``timm_model.``: both libraries then load the file.
    """
    state = {name: value.contiguous() for name, value in halve_large(model.timm_model.state_dict()).items()}
    file = folder / TORCH_FILE
    save_file(state, file, metadata={"format": "pt"})
    file.chmod(0o644)
    return file
