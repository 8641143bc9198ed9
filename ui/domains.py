"""What the app calls each domain of the catalogue, in the order of the tabs."""

from overread.catalogue import Domain, domains
from overread.classifier import UNGUARDED
from overread.domain_text import DomainText
from overread.service import Service

DOMAINS: dict[Domain, DomainText] = domains()


def task(service: Service, domain: Domain) -> str:
    """Return what a domain's endpoint does and, where no guard looks at its images first, that it answers any."""
    text = DOMAINS[domain].task
    return text if service.classifier(domain).guard else f"{text} {UNGUARDED}"
