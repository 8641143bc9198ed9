"""overread/service.py: every model of the catalogue, found by its name or by its domain."""

import pytest

import overread
from overread.catalogue import Domain
from overread.errors import UnknownModelError
from overread.service import Service

DOMAINS: tuple[Domain, ...] = ("histopathology", "chest-xray")


@pytest.fixture(scope="module")
def service() -> Service:
    return Service(threads=1)


def test_finds_every_model_by_its_name(service: Service) -> None:
    names = overread.names()
    assert [service.find(name).identity.name for name in names] == names


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_stands_for_its_first_model(service: Service, domain: Domain) -> None:
    assert service.find(domain) is service.find(service.names(domain)[0]) is service.classifier(domain)


def test_every_choice_is_found_and_nothing_else(service: Service) -> None:
    assert service.choices() == [*overread.names(), *dict.fromkeys(DOMAINS)]
    assert all(service.find(choice) for choice in service.choices())


@pytest.mark.parametrize("name", ["brain-mri", "", "histopathology/pcam-resnet18"])
def test_an_unknown_name_is_refused_with_the_choices(service: Service, name: str) -> None:
    with pytest.raises(UnknownModelError) as raised:
        service.find(name)
    assert all(choice in str(raised.value) for choice in service.choices())


def test_a_long_name_is_quoted_in_part(service: Service) -> None:
    with pytest.raises(UnknownModelError) as raised:
        service.find("x" * 1000)
    assert "x" * 80 in str(raised.value) and "x" * 81 not in str(raised.value)
