"""Grad-CAM written into the net's own forward pass, so that an ONNX file computes it without gradients.

Grad-CAM (Selvaraju et al. 2017) weighs the last convolutional stage's channels by the mean gradient of a score. Where
the head is global average pooling and one linear layer, that gradient is the layer's weight divided by the number of
cells: a constant. Taking the margin ``logit_1 - logit_0`` as the score and leaving out Grad-CAM's ReLU, the cells are
an exact decomposition: they and the difference of the two biases add up to the margin, the log-odds.
"""

from typing import Any

import torch
from timm.layers import SelectAdaptivePool2d
from torch import Tensor, nn


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
                "the closed form of Grad-CAM needs global average pooling and one linear layer of two outputs"
            )
        self.net = net
        self.classifier = classifier

    @property
    def bias(self) -> float:
        """The part of the log-odds that belongs to no cell."""
        bias = self.classifier.bias.detach()  # (2,)
        return float(bias[1] - bias[0])

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (N, 2), heat map (N, h, w) in log-odds, and embedding (N, d), all float32.

        Args:
            pixel_values: (N, 3, H, W) float32, normalised.
        """
        features = self.net.forward_features(pixel_values)  # (N, d, h, w)
        embedding = features.mean((2, 3))  # (N, d)
        margin = self.classifier.weight[1] - self.classifier.weight[0]  # (d,)
        cells = features.shape[2] * features.shape[3]
        heatmap = torch.einsum("ndhw,d->nhw", features, margin / cells)
        return self.classifier(embedding), heatmap, embedding
