"""What the app calls a domain, and how it describes its question: tab, API and MCP tool."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DomainText:
    """The words for one domain.

    Attributes:
        tab: the tab's name.
        task: what the endpoint does, for somebody who calls it; a whole sentence.
        question: the tab's introduction.
        image: what the image has to be.
        image_word: what an image is called, such as "film".
        images: its plural.
        learned_from: what the models learned from, for the About page; ends a sentence, which others may follow.
    """

    tab: str
    task: str
    question: str
    image: str
    image_word: str
    images: str
    learned_from: str


def api_name(domain: str) -> str:
    """Return the name of a domain's endpoint and MCP tool, such as "chest_xray" for "chest-xray"."""
    return domain.replace("-", "_")
