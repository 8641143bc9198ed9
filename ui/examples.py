"""The pictures a tab offers: our synthetic phantoms, and real ones where they were fetched."""

import json
from dataclasses import dataclass
from pathlib import Path

from overread.catalogue import Domain

EXAMPLES = Path(__file__).parents[1] / "examples"
LISTS = (EXAMPLES / "captions.json", EXAMPLES / "real" / "captions.json")


@dataclass(frozen=True)
class Example:
    """A picture file and what is known of it."""

    path: str
    caption: str


def examples(domain: Domain) -> list[Example]:
    """Return the domain's examples, phantoms first; real ones only where ``examples/fetch_real.py`` brought some."""
    found = []
    for file in LISTS:
        rows = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
        found += [Example(str(file.parent / row["file"]), row["caption"]) for row in rows if row["domain"] == domain]
    return found
