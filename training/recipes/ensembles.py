"""Which exported models answer together."""

from dataclasses import dataclass

from overread.flips import AS_IT_IS, FLIPPED_AXES
from training.data.data_sets import Source
from training.recipes.nets import RECIPES


@dataclass(frozen=True)
class EnsembleRecipe:
    """Which exported models may answer together; validation decides how much each one counts."""

    name: str
    title: str  # for people, as of a net
    summary: str
    members: tuple[str, ...]  # names of recipes on one data set
    views: tuple[str, ...]  # of `overread.flips`, each shown to each member

    @property
    def source(self) -> Source:
        """The members' data set."""
        return RECIPES[self.members[0]].source


ENSEMBLES = {
    recipe.name: recipe
    for recipe in (
        # A patch has no top and no left: all four flips. A chest has a top; mirrored, it was learned from.
        EnsembleRecipe(
            "pcam-ensemble",
            "Ensemble",
            "both nets, four flips, slower",
            ("pcam-efficientnet-lite0", "pcam-resnet18"),
            tuple(FLIPPED_AXES),
        ),
        EnsembleRecipe(
            "chest-xray-ensemble",
            "Ensemble",
            "both nets, two views, the slowest",
            ("chest-xray-efficientnet-lite0", "chest-xray-xception"),
            (AS_IT_IS, "flipped left to right"),
        ),
    )
}
