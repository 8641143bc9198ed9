"""Every domain, net and ensemble by name, as the files in ``training/domains/`` define them.

What was tried and dropped is in ``docs/experiments.md``.
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import training.domains
from training.recipes.domain import Domain


def _defined() -> Iterator[Domain]:
    for module in iter_modules(training.domains.__path__, "training.domains."):
        yield import_module(module.name).DOMAIN


DOMAINS = {domain.name: domain for domain in _defined()}
RECIPES = {recipe.name: recipe for domain in DOMAINS.values() for recipe in domain.nets}
ENSEMBLES = {recipe.name: recipe for domain in DOMAINS.values() for recipe in domain.ensembles}
