"""What the app calls each domain, and how it describes its question: tab, API and MCP tool."""

from dataclasses import dataclass

from overread.catalogue import Domain


@dataclass(frozen=True)
class DomainText:
    """The words for one domain.

    Attributes:
        tab: the tab's name.
        api_name: the endpoint's and the MCP tool's name.
        task: what the endpoint does, for somebody who calls it.
        question: the tab's introduction.
        image: what the image has to be.
        image_word: what an image is called, such as "film".
        images: its plural.
    """

    tab: str
    api_name: str
    task: str
    question: str
    image: str
    image_word: str
    images: str


DOMAINS: dict[Domain, DomainText] = {
    "histopathology": DomainText(
        tab="Histopathology",
        api_name="histopathology",
        task="Estimates the probability of lymph-node metastasis in the centre 32 x 32 px of an H&E patch, with a "
        "signed heat map of the evidence.",
        question="Is there metastatic tumour in the centre of this lymph-node patch? It reads H&E patches of 96 x 96 "
        "px at about 1 µm/px (10x), as in PatchCamelyon; of a field of view or a slide it reads every patch.",
        image="an H&E patch of 96 x 96 px at 0.97 µm/px (10x); one of another known scale is resampled, a larger field "
        "or a slide is for /scan_field",
        image_word="patch",
        images="patches",
    ),
    "chest-xray": DomainText(
        tab="Chest X-ray",
        api_name="chest_xray",
        task="Estimates the probability of pneumonia in a frontal chest X-ray, with a signed heat map of the evidence.",
        question="Does this frontal chest X-ray look like pneumonia? The models learned from films of children at one "
        "hospital and, fewer, of adults at another: expect worse answers anywhere else.",
        image="a frontal chest X-ray of any size",
        image_word="film",
        images="films",
    ),
}
