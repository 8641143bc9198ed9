"""Every model of the catalogue, loaded once, found by name or by domain; the app and the Lambda function use it."""

from dataclasses import asdict
from typing import Any

from overread.catalogue import Domain, catalogue, choices, resolve
from overread.classifier import Classifier, load
from overread.errors import UnknownModelError


class Service:
    """The catalogue's models; safe to use from several threads."""

    def __init__(self, threads: int | None = None, lazy: bool = False) -> None:
        """Check every model's files, then load and warm up its net.

        Args:
            threads: for one inference (default: ``overread.session.default_threads()``).
            lazy: load each net when it is first used: starts sooner, and takes no memory for what nobody asks.

        Raises:
            ModelFolderError: if a model's files are incomplete or altered.
        """
        self._entries = catalogue()
        self._classifiers: dict[str, Classifier] = {}
        # Ensembles come last, because they use the sessions of their members.
        for name in sorted(self._entries, key=lambda name: len(self._entries[name].members)):
            self._classifiers[name] = load(name, threads, self._classifiers, lazy)
        for name, classifier in self._classifiers.items():
            if not lazy and not self._entries[name].members:  # an ensemble has no session of its own
                classifier.warm_up()

    def names(self, domain: Domain) -> list[str]:
        """Return the names of a domain's models, the default first."""
        return [entry.name for entry in self._entries.values() if entry.domain == domain]

    def choices(self) -> list[str]:
        """Return what ``find`` accepts: the models' names, then the domains' names."""
        return choices(self._entries)

    def find(self, name_or_domain: str) -> Classifier:
        """Return the model of that name or, for a domain's name, the domain's default model.

        Raises:
            UnknownModelError: if neither a model nor a domain has that name.
        """
        return self._classifiers[resolve(name_or_domain, self._entries).name]

    def classifier(self, domain: Domain, name: str | None = None) -> Classifier:
        """Return the named model of a domain, or the domain's default for None or "".

        Raises:
            UnknownModelError: if the domain has no such model.
        """
        names = self.names(domain)
        if name and name not in names:
            raise UnknownModelError(f"There is no {domain} model {name!r}: choose one of {', '.join(names)}.")
        return self._classifiers[name or names[0]]

    def notes(self) -> list[str]:
        """Return one sentence for each model that was not loaded from its configured source."""
        return [classifier.note for classifier in self._classifiers.values() if classifier.note]

    def describe(self) -> list[dict[str, Any]]:
        """Return what is loaded, one JSON-ready dict per model."""
        return [
            {
                **asdict(classifier.identity),
                "title": classifier.config.title,
                "summary": classifier.config.summary,
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
            for name, classifier in ((name, self._classifiers[name]) for name in self._entries)
        ]
