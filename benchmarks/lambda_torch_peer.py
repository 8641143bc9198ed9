"""A Lambda handler for comparison, built the usual way: torch, timm and pytorch_grad_cam inside the package.

Same event, nets (from their model.safetensors), decoding and preprocessing as overread_lambda.handler, and the heat map
in the answer. lambda_cold_start.py runs it, with torch on PYTHONPATH.
"""

# ruff: noqa: E402  what imports torchvision comes after the call that makes it importable

import base64
import json
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from training.methods.torchvision_operators import declare_missing_operators

declare_missing_operators()  # before timm and pytorch_grad_cam, which import torchvision

# isort: split
import timm
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from safetensors.torch import load_file

from overread.catalogue import catalogue
from overread.images import decode
from overread.preprocessing import Preprocessing

LAST_STAGE = {"resnet18": "layer4", "xception41": "blocks", "tf_efficientnet_lite0": "blocks"}


class Peer:
    """One model, loaded by timm and explained by pytorch_grad_cam."""

    def __init__(self, name: str) -> None:
        """Load the bundled folder's torch weights."""
        folder = catalogue()[name].bundled_folder
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.preprocess = Preprocessing.from_pretrained_cfg(config["pretrained_cfg"])
        architecture = config["architecture"]
        self.net = timm.create_model(architecture, num_classes=2, **config.get("model_args", {})).eval()
        self.net.load_state_dict(load_file(folder / "model.safetensors"))
        self.gradcam = GradCAM(self.net.float(), [getattr(self.net, LAST_STAGE[architecture])[-1]])

    def predict(self, data: bytes) -> dict[str, Any]:
        """Return probability and heat map of the finding."""
        pixels = torch.from_numpy(self.preprocess([decode(data).picture]))
        heatmap = self.gradcam(pixels, [ClassifierOutputTarget(1)])[0]
        probability = torch.softmax(self.gradcam.outputs, 1)[0, 1].item()
        return {"probability": probability, "heatmap": heatmap.round(6).tolist()}


torch.set_num_threads(1)
PEERS = {name: Peer(name) for name, entry in catalogue().items() if not entry.members}


def handler(event: Mapping[str, str], context: object) -> dict[str, Any]:
    """Return the answer to ``{"image": base64, "model": name}``."""
    started = perf_counter()
    answer = PEERS[event["model"]].predict(base64.b64decode(event["image"]))
    print(json.dumps({"milliseconds": (perf_counter() - started) * 1000}), flush=True)
    return answer
