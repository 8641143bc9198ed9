"""Whether a slide's tissue is of the kind that the model learned from: the guard's verdict on a sample of patches."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overread.guard import Guard
from overread.scan.grid import Doubles, PatchGrid
from overread.scan.resampled import Resampled

SAMPLE = 64  # patches
EXPECTED = 0.1  # share of patches that may be unlike what the model learned from: of validation patches 2 or 3 % are


@dataclass(frozen=True)
class Familiarity:
    """How many of the ``sampled`` patches the guard calls unfamiliar, and how many it refuses."""

    sampled: int
    unfamiliar: int
    refused: int

    @property
    def is_doubtful(self) -> bool:
        """Whether more patches than expected are unlike what the model learned from."""
        return self.unfamiliar + self.refused > EXPECTED * self.sampled

    @property
    def note(self) -> str:
        """What a reader must know if it is doubtful."""
        return (
            f"Of {self.sampled} patches sampled, {self.unfamiliar} are unlike what the model learned from and "
            f"{self.refused} more do not look like such tissue at all: the answers may mean nothing here."
        )


def sample_patches(
    guard: Guard, view: Resampled, grid: PatchGrid, wanted: npt.NDArray[np.bool_], tissue_mm2: Doubles
) -> Familiarity:
    """Return the verdicts on at most 64 patches, evenly spaced among those that own the most tissue.

    Args:
        guard: the model's.
        view: the slide at the model's scale.
        grid: the patches.
        wanted: (rows, columns) bool, those that will be answered.
        tissue_mm2: (rows, columns) tissue that each owns; patches with less than the median are left out.
    """
    full = wanted & (tissue_mm2 >= (np.median(tissue_mm2[wanted]) if wanted.any() else 0))
    places = np.argwhere(full)
    chosen = places[np.unique(np.linspace(0, len(places) - 1, SAMPLE).astype(int))] if len(places) else places
    outcomes = []
    for row, column in chosen:
        patch = view.read(int(grid.x.starts[column]), int(grid.y.starts[row]), grid.x.patch, grid.y.patch)
        outcomes.append(guard.judge(patch).outcome)
    return Familiarity(len(outcomes), outcomes.count("unfamiliar"), outcomes.count("refused"))
