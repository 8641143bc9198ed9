"""The models, where they are on the Hub, and the SHA-256 of their files; only this module touches the catalogue."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from overread.domain_text import DomainText
from overread.errors import UnknownModelError

Domain = str  # such as "histopathology"; the catalogue says which there are
PACKAGE = Path(__file__).parent
MODELS_FOLDER = PACKAGE.parent / "models"  # of a checkout, and of the AWS Lambda package; a wheel brings no models
_IN_WHEEL = PACKAGE / "catalogue.json"
CATALOGUE_FILE = _IN_WHEEL if _IN_WHEEL.exists() else MODELS_FOLDER / "catalogue.json"
NAMESPACE_VARIABLE = "OVERREAD_HUB_NAMESPACE"


@dataclass(frozen=True)
class CatalogueEntry:
    """One model: its Hub repository is ``<namespace>/<name>`` at ``revision``.

    ``sha256`` pins every file that inference needs, by its path in the folder; ``members`` names an ensemble's nets.
    ``finds_lungs`` is true of what is no model to choose but helps the models of its domain. ``title`` and ``summary``,
    one line, are for people.
    """

    name: str
    domain: Domain
    revision: str
    sha256: Mapping[str, str]
    members: tuple[str, ...] = ()
    finds_lungs: bool = False
    title: str = ""
    summary: str = ""

    @property
    def bundled_folder(self) -> Path:
        """The folder in this repository with the same files."""
        return MODELS_FOLDER / self.name


def catalogue(file: Path | None = None) -> dict[str, CatalogueEntry]:
    """Return every model by name, in the order of ``catalogue.json``; the first of a domain is its default.

    Args:
        file: another file of the same form (default: ``CATALOGUE_FILE``).
    """
    return _entries("models", file)


def domains(file: Path | None = None) -> dict[Domain, DomainText]:
    """Return the words of every domain that has a model, in the order of the tabs.

    Args:
        file: another catalogue (default: ``CATALOGUE_FILE``).
    """
    used = {entry.domain for entry in catalogue(file).values()}
    words = _read(file or CATALOGUE_FILE).get("domains", {})
    return {domain: DomainText(**text) for domain, text in words.items() if domain in used}


def lung_net(domain: Domain, file: Path | None = None) -> CatalogueEntry | None:
    """Return the net that finds the lungs in the images of a domain: not a model to choose; None if it has none.

    Args:
        domain: such as "chest-xray".
        file: another catalogue (default: ``CATALOGUE_FILE``).
    """
    return next((found for found in _entries("lung_nets", file).values() if found.domain == domain), None)


def published(file: Path | None = None) -> dict[str, CatalogueEntry]:
    """Return everything that has a Hub repository of its own, by name: the models, then the lung nets."""
    return catalogue(file) | _entries("lung_nets", file)


def _entries(section: str, file: Path | None) -> dict[str, CatalogueEntry]:
    return {
        name: CatalogueEntry(
            name,
            values["domain"],
            values["revision"],
            values["sha256"],
            tuple(values.get("members", ())),
            finds_lungs=section == "lung_nets",
            title=values.get("title", ""),
            summary=values.get("summary", ""),
        )
        for name, values in _read(file or CATALOGUE_FILE).get(section, {}).items()
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


def resolve(name_or_domain: str, known: Mapping[str, CatalogueEntry] | None = None) -> CatalogueEntry:
    """Return the model of that name or, for a domain's name, the domain's default model.

    Args:
        name_or_domain: such as "pcam-resnet18" or "histopathology".
        known: the models to choose from (default: ``catalogue()``).

    Raises:
        UnknownModelError: if neither a model nor a domain has that name.
    """
    known = catalogue() if known is None else known
    for found in known.values():  # a domain's first model is its default
        if name_or_domain in (found.name, found.domain):
            return found
    raise UnknownModelError(f"There is no model {name_or_domain[:80]!r}: choose one of {', '.join(choices(known))}.")


def choices(known: Mapping[str, CatalogueEntry]) -> list[str]:
    """Return what ``resolve`` accepts: the models' names, then the domains' names."""
    return list(dict.fromkeys([*known, *(found.domain for found in known.values())]))


def namespace() -> str | None:
    """Return the Hub user or organisation to load from: ``OVERREAD_HUB_NAMESPACE``, else the catalogue's, else None."""
    configured = os.environ.get(NAMESPACE_VARIABLE)
    if configured is not None:
        return configured or None
    return cast("str | None", _read(CATALOGUE_FILE)["namespace"])


def pin_files(
    name: str,
    domain: Domain,
    digests: Mapping[str, str],
    members: Sequence[str] = (),
    *,
    file: Path | None = None,
    section: Literal["models", "lung_nets"] = "models",
    title: str | None = None,
    summary: str | None = None,
) -> None:
    """Write a model's digests into the catalogue, so that only these files are served under its name.

    Args:
        name: the model; one that is new becomes the last entry, at revision "main".
        domain: the domain of a new model; that of a known model does not change.
        digests: SHA-256 (hexadecimal) of every file that inference needs, by its path in the folder.
        members: the names of an ensemble's nets.
        file: another catalogue (default: ``CATALOGUE_FILE``).
        section: of the catalogue: models answer, lung nets only find lungs.
        title: for people (default: the one that is there).
        summary: likewise, one line.
    """
    file = file or CATALOGUE_FILE
    content = _read(file)
    model = content.setdefault(section, {}).setdefault(name, {"domain": domain, "revision": "main"})
    if members:
        model["members"] = list(members)
    model |= {key: text for key, text in {"title": title, "summary": summary}.items() if text is not None}
    model["sha256"] = dict(digests)
    _write(content, file)


def pin_words(domain: Domain, text: DomainText, *, file: Path | None = None) -> None:
    """Write what the app says of a domain into the catalogue; a new domain gets the last tab.

    Args:
        domain: such as "chest-xray".
        text: its words.
        file: another catalogue (default: ``CATALOGUE_FILE``).
    """
    file = file or CATALOGUE_FILE
    content = _read(file)
    content.setdefault("domains", {})[domain] = asdict(text)
    _write(content, file)


def make_default(name: str, *, file: Path | None = None) -> None:
    """Make a model the first of its domain, and with it the domain's default.

    Args:
        name: the model.
        file: another catalogue (default: ``CATALOGUE_FILE``).

    Raises:
        UnknownModelError: if the catalogue lacks it; nothing is written then.
    """
    file = file or CATALOGUE_FILE
    content = _read(file)
    models = content["models"]
    if name not in models:
        raise UnknownModelError(f"There is no model {name!r}: choose one of {', '.join(models)}.")
    first = next(other for other, values in models.items() if values["domain"] == models[name]["domain"])
    order = [other for other in models if other != name]
    order.insert(list(models).index(first), name)
    content["models"] = {other: models[other] for other in order}
    _write(content, file)


def pin_commits(namespace: str, commits: Mapping[str, str], *, file: Path | None = None) -> None:
    """Write the Hub namespace, and the commit to load of each model, into the catalogue.

    All models share one namespace: where the Hub has no such repository, the bundled folder serves.

    Args:
        namespace: a Hub user or organisation.
        commits: by model, a commit of ``<namespace>/<model>`` (40 hexadecimal digits).
        file: another catalogue (default: ``CATALOGUE_FILE``).

    Raises:
        UnknownModelError: if the catalogue lacks one of the models; nothing is written then.
    """
    file = file or CATALOGUE_FILE
    content = _read(file)
    known = {**content["models"], **content.get("lung_nets", {})}
    for name, commit in commits.items():
        if name not in known:
            raise UnknownModelError(f"There is no model {name!r}: choose one of {', '.join(known)}.")
        known[name]["revision"] = commit
    content["namespace"] = namespace
    _write(content, file)


def _read(file: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(file.read_text(encoding="utf-8")))


def _write(content: Mapping[str, Any], file: Path) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    new.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(file)
