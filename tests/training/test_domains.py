"""What the files in training/domains/ define."""

import dataclasses

import pytest

from overread.catalogue import catalogue, domains
from training.recipes.nets import DOMAINS, ENSEMBLES, RECIPES


def test_the_app_says_what_the_domains_files_say() -> None:
    assert domains() == {name: DOMAINS[name].text for name in domains()}  # `python -m training report` writes them


def test_every_model_of_the_catalogue_is_of_a_domain() -> None:
    found = {name: recipe.source.domain for name, recipe in {**RECIPES, **ENSEMBLES}.items()}
    assert {name: found[name] for name in catalogue()} == {name: entry.domain for name, entry in catalogue().items()}


def test_the_models_of_a_domain_have_one_data_set() -> None:
    films, patches = DOMAINS["chest-xray"], DOMAINS["histopathology"]
    with pytest.raises(ValueError, match="the nets and ensembles of chest-xray learn from one data set"):
        dataclasses.replace(films, nets=(*films.nets, *patches.nets))


def test_a_name_that_makes_no_endpoint_is_refused() -> None:
    films = DOMAINS["chest-xray"]
    source = dataclasses.replace(films.source, domain="2nd chest")
    with pytest.raises(ValueError, match="letters, digits and hyphens, unlike '2nd chest'"):
        dataclasses.replace(films, nets=(dataclasses.replace(films.nets[0], source=source),), ensembles=())
