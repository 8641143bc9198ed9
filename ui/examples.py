"""The example images of each tab, as examples/manifest.json lists them."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from overread.catalogue import Domain

EXAMPLES = Path(__file__).parents[1] / "examples"
MANIFEST = EXAMPLES / "manifest.json"


@dataclass(frozen=True)
class Example:
    """An image file with its true label, and where it comes from."""

    file: str  # relative to examples/
    domain: Domain
    label: str
    data_set: str
    split: str
    row: int | None
    source_file: str
    licence: str
    attribution: str
    sha256: str

    @property
    def path(self) -> Path:
        """The file on this machine."""
        return EXAMPLES / self.file

    @property
    def source(self) -> str:
        """Data set, split and licence as one line."""
        return f"{self.source_file}, {self.split} split of {self.data_set}; {self.licence}, {self.attribution}"


@lru_cache(maxsize=1)
def _all() -> tuple[Example, ...]:
    return tuple(Example(**line) for line in json.loads(MANIFEST.read_text(encoding="utf-8")))


def examples(domain: Domain) -> list[Example]:
    """Return the domain's examples in the manifest's order."""
    return [example for example in _all() if example.domain == domain]


def example_of(sha256: str) -> Example | None:
    """Return the example whose file has that SHA-256; None for every other image."""
    return next((example for example in _all() if example.sha256 == sha256), None)
