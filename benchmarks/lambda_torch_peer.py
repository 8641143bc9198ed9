"""The usual way to put Grad-CAM behind Lambda, to compare with: torch, timm and pytorch_grad_cam inside the package.

Same event, same nets (from their model.safetensors), same decoding and preprocessing as lambda/handler.py, and the heat
map in the answer; run by benchmarks/lambda_cold_start.py. PEER_SITE_PACKAGES names the folder with torch.
"""

import base64
import json
import os
import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any

sys.path.append(os.environ["PEER_SITE_PACKAGES"])

import training  # noqa: F401, I001  first: it makes torchvision importable beside a torch without CUDA

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
    """One model as its authors' tools load and explain it."""

    def __init__(self, name: str) -> None:
        """Load the bundled folder's torch weights."""
        folder = catalogue()[name].bundled_folder
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.preprocess = Preprocessing.from_pretrained_cfg(config["pretrained_cfg"])
        architecture = config["architecture"]
        self.net = timm.create_model(architecture, num_classes=2, **config.get("model_args", {})).eval()
        weights = load_file(folder / "model.safetensors")
        self.net.load_state_dict({name.removeprefix("timm_model."): value for name, value in weights.items()})
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
