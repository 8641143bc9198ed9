"""Grad-CAM inside the net's forward pass, so that an ONNX file computes the heat map without gradients.

Grad-CAM (Selvaraju et al. 2017) weighs the last convolutional stage's channels by the mean gradient of a score. Where
the head is global average pooling and one linear layer, that gradient is the layer's weight divided by the number of
cells: a constant. With the log-odds as the score and without Grad-CAM's ReLU, the map is an exact decomposition: its
cells and the difference of the two biases add up to the log-odds.
"""

from typing import Any

import torch
from timm.layers import SelectAdaptivePool2d
from torch import Tensor, nn


def log_odds(logits: Tensor) -> Tensor:
    """Return (...,) the log-odds of the finding from (..., 2) logits; in NumPy it is ``overread.probability``'s."""
    return logits[..., 1] - logits[..., 0]


class HeatmapClassifier(nn.Module):
    """A timm net with three outputs: logits, signed heat map, pooled features."""

    def __init__(self, net: Any) -> None:
        """Wrap a timm net, whose weights are shared, not copied.

        Raises:
            TypeError: if the head is not global average pooling and one linear layer with two outputs.
        """
        super().__init__()
        classifier = net.get_classifier()
        pools = [m for m in net.modules() if isinstance(m, SelectAdaptivePool2d)]
        average = len(pools) == 1 and pools[0].pool_type in ("avg", "fast", "fastavg")
        if not isinstance(classifier, nn.Linear) or classifier.out_features != 2 or not average:
            raise TypeError(
                "Grad-CAM in closed form needs global average pooling and one linear layer with two outputs"
            )
        self.net = net
        self.classifier = classifier

    @property
    def bias(self) -> float:
        """The part of the log-odds that belongs to no cell."""
        return float(log_odds(self.classifier.bias.detach()))

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (N, 2), heat map (N, h, w) in log-odds, and embedding (N, d), all float32.

        Args:
            pixel_values: (N, 3, H, W) float32, normalised.
        """
        features = self.net.forward_features(pixel_values)  # (N, d, h, w)
        embedding = features.mean((2, 3))  # (N, d)
        weight = log_odds(self.classifier.weight.T)  # (d,): of each channel in the log-odds
        cells = features.shape[2] * features.shape[3]
        heatmap = torch.einsum("ndhw,d->nhw", features, weight / cells)
        return self.classifier(embedding), heatmap, embedding
