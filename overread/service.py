"""Every model of the catalogue, loaded once and asked by name or by domain: what the app and AWS Lambda stand on."""

from dataclasses import asdict
from typing import Any

from overread.catalogue import Domain, catalogue
from overread.classifier import Classifier, load
from overread.errors import UnknownModelError


class Service:
    """The catalogue's models in memory, warmed up; safe to use from several threads."""

    def __init__(self, threads: int | None = None) -> None:
        """Load and warm up every model.

        Args:
            threads: for one inference; default: see ``overread.session.default_threads``.

        Raises:
            ModelFolderError: if a model's files are incomplete or altered.
        """
        self._entries = catalogue()
        self._classifiers: dict[str, Classifier] = {}
        for name in sorted(self._entries, key=lambda name: len(self._entries[name].members)):  # ensembles come last
            self._classifiers[name] = load(name, threads, self._classifiers)
        for name, classifier in self._classifiers.items():
            if not self._entries[name].members:  # an ensemble runs its members' sessions, nothing else
                classifier.warm_up()

    def names(self, domain: Domain) -> list[str]:
        """Return the names of a domain's models, the default first."""
        return [entry.name for entry in self._entries.values() if entry.domain == domain]

    def classifier(self, domain: Domain, name: str | None = None) -> Classifier:
        """Return the named model of a domain, or the domain's default for None or "".

        Raises:
            UnknownModelError: if the domain has no such model.
        """
        names = self.names(domain)
        if name and name not in names:
            raise UnknownModelError(f"There is no {domain} model {name!r}: choose one of {', '.join(names)}.")
        return self._classifiers[name or names[0]]

    def _in_order(self) -> list[tuple[str, Classifier]]:
        return [(name, self._classifiers[name]) for name in self._entries]

    def notes(self) -> list[str]:
        """Return one sentence for each model that does not come from where it should."""
        return [classifier.note for classifier in self._classifiers.values() if classifier.note]

    def describe(self) -> list[dict[str, Any]]:
        """Return what is loaded, one JSON-ready dict per model."""
        return [
            {
                **asdict(classifier.identity),
                "domain": self._entries[name].domain,
                "finding": classifier.config.finding,
                "labels": list(classifier.config.labels),
                "architecture": classifier.config.architecture,
                "members": list(self._entries[name].members),
                "input_size": [classifier.config.preprocessing.height, classifier.config.preprocessing.width],
                "operating_points": [asdict(point) for point in classifier.config.operating_points.values()],
                "default_operating_point": classifier.config.default_operating_point,
                "note": classifier.note,
            }
            for name, classifier in self._in_order()
        ]
