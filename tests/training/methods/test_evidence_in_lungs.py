import pytest
import torch
from torch import nn

from training.methods.evidence_in_lungs import dilate, evidence_of, lungs_on_cells, share_outside


def test_the_mean_of_the_evidence_and_the_bias_are_the_log_odds() -> None:
    torch.manual_seed(0)
    features, head = torch.randn(2, 5, 3, 4), nn.Linear(5, 2)
    logits = head(features.mean((2, 3)))
    evidence = evidence_of(features, head)
    torch.testing.assert_close(
        evidence.mean((1, 2)) + head.bias[1] - head.bias[0], logits[:, 1] - logits[:, 0], atol=1e-5, rtol=1e-5
    )


def test_half_of_equal_evidence_lies_outside_half_a_map() -> None:
    inside = torch.zeros(1, 2, 4)
    inside[..., :2] = 1
    evidence = torch.ones(1, 2, 4)
    evidence[:, 0] = -1  # evidence against the finding counts as well
    assert share_outside(evidence, inside).item() == pytest.approx(0.5, abs=1e-3)
    assert share_outside(evidence, torch.ones(1, 2, 4)).item() == 0  # a film without a mask


def test_the_loss_moves_evidence_into_the_lungs() -> None:
    evidence = torch.ones(1, 1, 2, requires_grad=True)
    share_outside(evidence, torch.tensor([[[1.0, 0.0]]])).sum().backward()
    assert evidence.grad is not None
    assert evidence.grad[0, 0, 0] < 0 < evidence.grad[0, 0, 1]


@pytest.mark.parametrize("offset", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_cells_follow_the_stride_offset(offset: tuple[int, int]) -> None:
    lungs = torch.zeros(1, 64, 64)
    lungs[0, 16:32, 32:48] = 1  # at stride 16, the cell in row 1 and column 2
    found = lungs_on_cells(lungs, (2, 2), stride=16, step=2, offset=offset)
    assert found.shape == (1, 2, 2)
    assert found.sum().item() == (1.0 if offset == (1, 0) else 0.0)
    assert found[0, 0, 1].item() == (1.0 if offset == (1, 0) else 0.0)


def test_lungs_grow_by_the_distance_on_every_side() -> None:
    lungs = torch.zeros(1, 64, 64)
    lungs[0, 20:40, 30:44] = 1
    grown = torch.zeros(1, 64, 64)
    grown[0, 12:48, 22:52] = 1
    torch.testing.assert_close(dilate(lungs, 8), grown)
    torch.testing.assert_close(dilate(lungs, 0), lungs)
