import pytest
import torch

from training.methods.film_mosaics import join_halves, mean_of_halves


def test_the_right_half_is_another_films() -> None:
    films = torch.arange(3.0).view(3, 1, 1).expand(3, 2, 4)
    joined = join_halves(films, torch.tensor([2, 0, 1]))
    assert joined[:, 0].tolist() == [[0, 0, 2, 2], [1, 1, 0, 0], [2, 2, 1, 1]]


@pytest.mark.parametrize(("offset", "left"), [(0, 4), (1, 3)])
def test_each_column_of_an_odd_map_belongs_to_the_half_it_lies_in(offset: int, left: int) -> None:
    evidence = torch.arange(7.0).view(1, 1, 7)  # columns 0, 2, .. 12 or 1, 3, .. 13 of the exported net's 14
    found = mean_of_halves(evidence, step=2, offset=offset)
    expected = [sum(range(left)) / left, sum(range(left, 7)) / (7 - left)]
    torch.testing.assert_close(found, torch.tensor([expected]))


def test_an_exported_map_is_cut_in_the_middle() -> None:
    torch.testing.assert_close(
        mean_of_halves(torch.tensor([[[1.0, 3.0, 10.0, 20.0]]]), step=1, offset=0), torch.tensor([[2.0, 15.0]])
    )
