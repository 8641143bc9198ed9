"""Heat maps computed in torch: of images larger than the ONNX file takes, and pytorch_grad_cam's for comparison."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from transformers import TimmWrapperForImageClassification

from overread.flips import flip
from training.methods.heatmap_in_graph import HeatmapClassifier

Floats = npt.NDArray[np.floating]
HeatmapOf = Callable[[Floats], Floats]  # pixel values (N, 3, H, W) float32 -> heat maps (N, h, w)


def load_torch_net(folder: Path) -> HeatmapClassifier:
    """Return a model folder's net in float32 and eval mode.

    Raises:
        OSError: if the folder has no ``model.safetensors``.
    """
    wrapper = TimmWrapperForImageClassification.from_pretrained(folder).float().eval()
    return HeatmapClassifier(wrapper.timm_model)


def own_heatmap(net: HeatmapClassifier) -> HeatmapOf:
    """Return the function that computes the net's own signed heat map, (N, h, w) float32 in log-odds."""
    net.eval()
    device = next(net.parameters()).device

    @torch.no_grad()
    def heatmap_of(pixel_values: Floats) -> Floats:
        return net(torch.from_numpy(pixel_values).to(device))[1].cpu().numpy()

    return heatmap_of


def mean_over_views(heatmap_of: HeatmapOf, views: Sequence[str]) -> HeatmapOf:
    """Return the function that computes a heat map's mean over views of the image, each flipped back."""

    def mean_of(pixel_values: Floats) -> Floats:
        return np.mean([flip(heatmap_of(flip(pixel_values, view)), view) for view in views], axis=0)

    return mean_of


def pytorch_grad_cam_heatmap(net: Any) -> HeatmapOf:
    """Return the function that computes pytorch_grad_cam's Grad-CAM of class 1 for a timm net, with its defaults.

    Maps are (N, H, W) float32, as large as the input, without negative values and each scaled to 0..1. The target layer
    is the last convolutional stage, as the library's README recommends.
    """
    layer = last_stage(net)

    def heatmap_of(pixel_values: Floats) -> Floats:
        with GradCAM(net, [layer]) as cam:
            heatmaps = cam(torch.from_numpy(pixel_values), [ClassifierOutputTarget(1)] * len(pixel_values))
        net.zero_grad()  # the library leaves gradients in the weights
        return heatmaps

    return heatmap_of


def last_stage(net: Any) -> nn.Module:
    """Return the outermost module of a timm net whose output is that of ``forward_features``; sets the net to eval."""
    net.eval()
    ran: list[tuple[nn.Module, Any]] = []

    def note(module: nn.Module, _: Any, output: Tensor) -> None:
        ran.append((module, output))

    hooks = [module.register_forward_hook(note) for module in net.modules()]
    device = next(net.parameters()).device
    with torch.no_grad():
        features = net.forward_features(torch.zeros(1, 3, 64, 64, device=device))
    for hook in hooks:
        hook.remove()
    return next(module for module, output in reversed(ran) if output is features)
