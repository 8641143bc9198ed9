"""A domain as training knows it: what its tab says, its nets and their ensembles."""

from dataclasses import dataclass

from overread.domain_text import DomainText, api_name
from training.data.data_sets import Source
from training.recipes.recipe import EnsembleRecipe, Recipe


@dataclass(frozen=True)
class Domain:
    """One tab of the app and the models behind it; each file in ``training/domains/`` defines one as ``DOMAIN``."""

    text: DomainText
    nets: tuple[Recipe, ...]
    ensembles: tuple[EnsembleRecipe, ...] = ()

    def __post_init__(self) -> None:
        """Refuse models of several data sets, and a name that makes no endpoint."""
        sources = [net.source for net in self.nets] + [ensemble.source for ensemble in self.ensembles]
        if {source.dataset for source in sources} != {self.source.dataset}:
            raise ValueError(f"the nets and ensembles of {self.name} learn from one data set, {self.source.dataset}")
        if not api_name(self.name).isidentifier():
            raise ValueError(f"a domain's name has letters, digits and hyphens, unlike {self.name!r}")

    @property
    def source(self) -> Source:
        """The data set."""
        return self.nets[0].source

    @property
    def name(self) -> str:
        """Such as "chest-xray"."""
        return self.source.domain
