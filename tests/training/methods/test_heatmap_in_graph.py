"""The ONNX file's heat map against pytorch_grad_cam, an independent implementation of Grad-CAM."""

from collections.abc import Callable

import numpy as np
import onnxruntime as ort
import pytest
import timm
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from torch import Tensor, nn

from overread.catalogue import catalogue
from overread.model_folder import ONNX_FILE
from overread.probability import log_odds
from overread.session import OnnxSession
from training.export import export_onnx, fold_calibration
from training.measure.calibration import Calibration
from training.measure.torch_heatmaps import last_stage
from training.methods.heatmap_in_graph import HeatmapClassifier
from training.recipes.nets import RECIPES
from training.restore_weights import restore

SIZE, STRIDE = 96, 8
NETS = [name for name, entry in catalogue().items() if not entry.members]
CLASSES = {"positive": (1, 0), "negative": (0, 1)}  # (the class, the other one)


@pytest.fixture(scope="module")
def net() -> nn.Module:
    """A small net with random weights and batch-norm statistics of noise, so that its features vary."""
    torch.manual_seed(0)
    made = timm.create_model("resnet10t", num_classes=2, output_stride=STRIDE)
    nn.init.normal_(made.get_classifier().bias)
    made.train()
    with torch.no_grad():
        for _ in range(3):
            made(torch.randn(8, 3, SIZE, SIZE))
    return made.eval()


@pytest.fixture(scope="module")
def session(net: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> OnnxSession:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(HeatmapClassifier(net), SIZE, path)
    return OnnxSession(path, threads=1)


def log_odds_of(wanted: int, other: int) -> Callable[[Tensor], Tensor]:
    return lambda logits: logits[wanted] - logits[other]


def assert_equal_to_pytorch_grad_cam(net: nn.Module, layer: nn.Module, pixels: Tensor, heatmap: np.ndarray) -> None:
    for wanted, other in CLASSES.values():
        with GradCAM(net, [layer]) as cam:
            expected = cam(pixels, [log_odds_of(wanted, other)] * len(pixels))  # (N, H, W), each scaled to 0..1
        ours = np.maximum(heatmap if wanted == 1 else -heatmap, 0)
        scaled = scale_cam_image(scale_cam_image(ours, pixels.shape[-2:]))  # as the library: before and after resizing
        assert np.abs(scaled - expected).max() < 1e-4


@pytest.mark.parametrize("images", [1, 5])
def test_the_map_equals_pytorch_grad_cam_for_both_classes(net: nn.Module, session: OnnxSession, images: int) -> None:
    pixels = torch.randn(images, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(images))
    heatmap = session.run(pixels.numpy()).heatmap
    assert heatmap.shape == (images, SIZE // STRIDE, SIZE // STRIDE)
    assert_equal_to_pytorch_grad_cam(net, net.layer4, pixels, heatmap)


def test_a_transposed_map_does_not_equal_pytorch_grad_cam(net: nn.Module, session: OnnxSession) -> None:
    pixels = torch.randn(2, 3, SIZE, SIZE)
    with pytest.raises(AssertionError):
        assert_equal_to_pytorch_grad_cam(
            net, net.layer4, pixels, session.run(pixels.numpy()).heatmap.transpose(0, 2, 1)
        )


@pytest.mark.parametrize("images", [1, 5])
def test_cells_and_bias_add_up_to_the_log_odds(net: nn.Module, session: OnnxSession, images: int) -> None:
    outputs = session.run(np.random.default_rng(images).standard_normal((images, 3, SIZE, SIZE), np.float32))
    sums = outputs.heatmap.sum((1, 2)) + HeatmapClassifier(net).bias
    np.testing.assert_allclose(sums, log_odds(outputs.logits), atol=1e-4)


def test_logits_and_embedding_equal_torch(net: nn.Module, session: OnnxSession) -> None:
    pixels = torch.randn(3, 3, SIZE, SIZE)
    outputs = session.run(pixels.numpy())
    with torch.no_grad():
        np.testing.assert_allclose(outputs.logits, net(pixels), atol=1e-4)
        np.testing.assert_allclose(
            outputs.embedding, net.forward_head(net.forward_features(pixels), pre_logits=True), atol=1e-4
        )


def test_calibration_folds_into_the_classifier_and_scales_the_map() -> None:
    net = timm.create_model("resnet10t", num_classes=2).eval()
    pixels = torch.randn(2, 3, 64, 64)
    model = HeatmapClassifier(net)
    with torch.no_grad():
        before = model(pixels)
        fold_calibration(net.get_classifier(), Calibration(slope=0.4, intercept=0.7))
        after = model(pixels)
    log_odds_before, log_odds_after = (torch.from_numpy(log_odds(logits)).float() for logits in (before[0], after[0]))
    torch.testing.assert_close(log_odds_after, 0.4 * log_odds_before + 0.7)
    torch.testing.assert_close(after[1], 0.4 * before[1])
    torch.testing.assert_close(after[1].sum((1, 2)) + model.bias, log_odds_after)


@pytest.mark.parametrize("change", [{"global_pool": "max"}, {"num_classes": 3}])
def test_another_head_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="global average pooling"):
        HeatmapClassifier(timm.create_model("resnet10t", **{"num_classes": 2, **change}))


@pytest.mark.parametrize("name", NETS)
def test_bundled_files_load_with_onnxruntime_and_have_three_outputs(name: str) -> None:
    file = catalogue()[name].bundled_folder / ONNX_FILE
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert {value.name for value in session.get_outputs()} == {"logits", "heatmap", "embedding"}


@pytest.mark.parametrize("name", NETS)
def test_every_bundled_net_equals_pytorch_grad_cam(name: str) -> None:
    recipe, file = RECIPES[name], catalogue()[name].bundled_folder / ONNX_FILE
    net = restore(recipe, file).timm_model
    size = recipe.export_size
    pixels = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    outputs = OnnxSession(file, threads=1).run(pixels.numpy())
    assert_equal_to_pytorch_grad_cam(net, last_stage(net), pixels, outputs.heatmap)
    sums = outputs.heatmap.sum((1, 2)) + HeatmapClassifier(net).bias
    np.testing.assert_allclose(sums, log_odds(outputs.logits), atol=1e-4)
