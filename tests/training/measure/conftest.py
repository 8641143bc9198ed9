import pytest
import timm
import torch
from torch import nn

from tests.training.audited_data import write_chest, write_pcam
from training.data.data_sets import CHEST_XRAY_PNEUMONIA, PATCH_CAMELYON
from training.measure.file_statistics import SplitStatistics, split_statistics


@pytest.fixture(scope="session")
def small_net() -> nn.Module:
    """A small net with opposite weights for the two classes: Grad-CAM of class 1 is then half that of the log-odds."""
    torch.manual_seed(0)
    made = timm.create_model("resnet10t", num_classes=2, output_stride=8)
    made.train()
    with torch.no_grad():
        for _ in range(3):
            made(torch.randn(8, 3, 64, 64))
        made.get_classifier().weight[0] = -made.get_classifier().weight[1]
    return made.eval()


@pytest.fixture(scope="session")
def pcam(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_pcam(tmp_path_factory.mktemp("pcam"))


@pytest.fixture(scope="session")
def chest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_chest(tmp_path_factory.mktemp("chest"))


@pytest.fixture(scope="session")
def pcam_splits(pcam: str) -> dict[str, SplitStatistics]:
    return {split: split_statistics(PATCH_CAMELYON, split, pcam) for split in ("train", "validation", "test")}


@pytest.fixture(scope="session")
def chest_splits(chest: str) -> dict[str, SplitStatistics]:
    return {split: split_statistics(CHEST_XRAY_PNEUMONIA, split, chest) for split in ("train", "validation", "test")}
