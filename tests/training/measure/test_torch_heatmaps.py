"""Heat maps in torch against pytorch_grad_cam."""

import numpy as np
import pytest
import timm
from pytorch_grad_cam.utils.image import scale_cam_image
from torch import nn

from tests.training.measure.noise_images import noise
from training.measure.torch_heatmaps import last_stage, mean_over_views, own_heatmap, pytorch_grad_cam_heatmap
from training.methods.heatmap_in_graph import HeatmapClassifier


def test_heat_maps_of_views_are_flipped_back_before_they_are_averaged() -> None:
    def upper_left(pixels: np.ndarray) -> np.ndarray:
        """Evidence in the first cell only, as much as the first pixel's value."""
        heatmaps = np.zeros((len(pixels), *pixels.shape[2:]), np.float32)
        heatmaps[:, 0, 0] = pixels[:, 0, 0, 0]
        return heatmaps

    pixels = np.broadcast_to(np.arange(2, dtype=np.float32)[:, None, None, None], (2, 3, 4, 6)).copy()
    pixels[:, :, 0, 0] += 100
    found = mean_over_views(upper_left, ("as it is", "turned by 180°"))(pixels)
    assert found.shape == (2, 4, 6)
    assert found[:, 0, 0].tolist() == [50, 50.5]
    assert found[:, -1, -1].tolist() == [0, 0.5]
    assert np.count_nonzero(found) == 3


def test_the_scaled_positive_part_equals_pytorch_grad_cam(small_net: nn.Module) -> None:
    pixels = noise(3, 64)
    ours = np.maximum(own_heatmap(HeatmapClassifier(small_net))(pixels), 0)
    default = pytorch_grad_cam_heatmap(small_net)(pixels)
    assert ours.shape == (3, 8, 8) and default.shape == (3, 64, 64)
    assert ours.max() > 0
    scaled = scale_cam_image(scale_cam_image(ours, (64, 64)))
    np.testing.assert_allclose(scaled, default, atol=1e-3)
    assert np.corrcoef(scaled.ravel(), default.ravel())[0, 1] > 0.9999
    assert np.abs(scaled[::-1] - default).max() > 0.1  # the maps of two images differ
    assert all(weight.grad is None for weight in small_net.parameters())


@pytest.mark.parametrize(
    ("architecture", "stage"), [("resnet18", "layer4"), ("tf_efficientnet_lite0", "bn2"), ("xception41", "act")]
)
def test_a_doubled_input_doubles_the_cells_of_every_architecture(architecture: str, stage: str) -> None:
    net = timm.create_model(architecture, num_classes=2, output_stride=16)
    assert last_stage(net) is net.get_submodule(stage)
    heatmap_of = own_heatmap(HeatmapClassifier(net))
    assert heatmap_of(noise(1, 64)).shape == (1, 4, 4)
    assert heatmap_of(noise(1, 128)).shape == (1, 8, 8)
    assert pytorch_grad_cam_heatmap(net)(noise(1, 64)).shape == (1, 64, 64)
