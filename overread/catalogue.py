"""Which models there are, where on the Hub they live, and what their files must hash to: reads ``catalogue.json``."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from overread.errors import UnknownModelError

Domain = Literal["histopathology", "chest-xray"]
PACKAGE = Path(__file__).parent
MODELS_FOLDER = PACKAGE.parent / "models"  # of a checkout, and of the AWS Lambda package; a wheel brings no models
_IN_WHEEL = PACKAGE / "catalogue.json"
CATALOGUE_FILE = _IN_WHEEL if _IN_WHEEL.exists() else MODELS_FOLDER / "catalogue.json"
NAMESPACE_VARIABLE = "OVERREAD_HUB_NAMESPACE"


@dataclass(frozen=True)
class CatalogueEntry:
    """One model: its Hub repository is ``<namespace>/<name>`` at ``revision``.

    ``sha256`` pins every file that inference needs, by its path in the folder; ``members`` names an ensemble's nets.
    """

    name: str
    domain: Domain
    revision: str
    sha256: Mapping[str, str]
    members: tuple[str, ...] = ()

    @property
    def bundled_folder(self) -> Path:
        """The folder in this repository with the same files."""
        return MODELS_FOLDER / self.name


def catalogue(file: Path | None = None) -> dict[str, CatalogueEntry]:
    """Return every model by name, in the order of ``catalogue.json``; the first of a domain is its default.

    Args:
        file: another file of the same form (default: ``CATALOGUE_FILE``).
    """
    models = json.loads((file or CATALOGUE_FILE).read_text(encoding="utf-8"))["models"]
    return {
        name: CatalogueEntry(
            name, values["domain"], values["revision"], values["sha256"], tuple(values.get("members", ()))
        )
        for name, values in models.items()
    }


def entry(name: str) -> CatalogueEntry:
    """Return the model of that name.

    Raises:
        UnknownModelError: if there is none.
    """
    known = catalogue()
    if name not in known:
        raise UnknownModelError(f"There is no model {name!r}: choose one of {', '.join(known)}.")
    return known[name]


def namespace() -> str | None:
    """Return the Hub user or organisation to load from: ``OVERREAD_HUB_NAMESPACE``, else the catalogue's, else None."""
    configured = os.environ.get(NAMESPACE_VARIABLE)
    if configured is not None:
        return configured or None
    return cast("str | None", json.loads(CATALOGUE_FILE.read_text(encoding="utf-8"))["namespace"])
