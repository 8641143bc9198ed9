"""Shift-and-stitch: trains a strided net, at its price, for the dilated net that is exported.

A net dilated to a smaller output stride computes what the strided net computes at every offset of its last strides
(Shelhamer et al. 2017, Fully Convolutional Networks, call it shift-and-stitch; Yu & Koltun 2016, Multi-Scale Context
Aggregation by Dilated Convolutions). Trained at one fixed offset, the weights see the others first when the net is
exported. Here every batch gets a random offset: in expectation, features and batch-norm statistics are those of the
dilated net.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad


class RandomStrideOffsets:
    """Draws, per training batch, the row and column where a net's late strided convolutions start; 0 in eval mode.

    Convolutions on maps of the same size, such as a residual branch and its shortcut, share their offset.
    """

    def __init__(self, net: nn.Module, dilated: nn.Module) -> None:
        """Change ``net`` in place.

        Args:
            net: the strided net.
            dilated: the same architecture at the smaller output stride. Convolutions that stride in ``net`` only get
                offsets.

        Raises:
            ValueError: if the nets differ in more than strides and dilations, a kernel's side is even, or a pooling
                layer strides in one net only.
        """
        twins = dict(dilated.named_modules())
        self.offsets: dict[int, tuple[int, int]] = {}
        for name, module in net.named_modules():
            twin = twins.get(name)
            if isinstance(module, nn.AvgPool2d | nn.MaxPool2d) and getattr(twin, "stride", None) != module.stride:
                raise ValueError(f"{name} strides by pooling: only strided convolutions can be given offsets")
            if not isinstance(module, nn.Conv2d):
                continue
            if not isinstance(twin, nn.Conv2d) or twin.weight.shape != module.weight.shape:
                raise ValueError(f"{name} has no counterpart in the dilated net: are both of one architecture?")
            if module.stride == twin.stride:
                continue
            if module.kernel_size[0] % 2 == 0:
                raise ValueError(f"{name} has an even kernel, whose centre lies between two offsets")
            module.forward = self._forward_of(module)  # type: ignore[method-assign]
        net.register_forward_pre_hook(self._redraw)

    def _redraw(self, net: nn.Module, _: Any) -> None:
        self.offsets.clear()

    def _offset(self, module: nn.Conv2d, height: int) -> tuple[int, int]:
        if not module.training:
            return 0, 0
        if height not in self.offsets:
            down, right = (int(torch.randint(stride, ())) for stride in module.stride)
            self.offsets[height] = down, right
        return self.offsets[height]

    def _forward_of(self, module: nn.Conv2d) -> Any:
        padding = tuple(side // 2 for side in module.kernel_size)  # timm's padding of a convolution without stride

        def forward(values: Tensor) -> Tensor:
            down, right = self._offset(module, values.shape[-2])
            padded = pad(values, (padding[1], padding[1], padding[0], padding[0]))[..., down:, right:]
            return conv2d(padded, module.weight, module.bias, module.stride, 0, module.dilation, module.groups)

        return forward
