"""Loads the splits of a data set, from the Hub or from a local folder; splits validation off train by patient."""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from datasets import ClassLabel, Dataset, Image, load_dataset
from sklearn.model_selection import StratifiedGroupKFold

from training.data.data_sets import Source

Split = Literal["train", "validation", "test"]


def load_split(source: Source, split: Split, data: str | None = None) -> Dataset:
    """Return one split with columns ``image`` (PIL), ``labels`` (int, 1 = the finding) and the source's stratum.

    Where the source has no validation split, validation is one of ``validation_folds`` folds of train's patients,
    stratified by label and stratum and reproducible from ``split_seed``; train is the rest.

    Args:
        source: the data set.
        split: "train", "validation" or "test".
        data: a local folder in the data set's schema (default: the Hub).
    """
    location = data or source.dataset
    if source.validation_split or split == "test":
        names = {"train": source.train_split, "validation": source.validation_split, "test": source.test_split}
        return _with_labels(load_dataset(location, split=names[split]), source)
    both = load_dataset(location, split=source.train_split)
    labelled = _with_labels(both, source)
    train, validation = patient_split(
        labelled, both[source.patient] if source.patient else [patient_of(name) for name in file_names(both)], source
    )
    return labelled.select(train if split == "train" else validation)


def patient_of(file_name: str) -> str:
    """Return the patient in a file name of the chest X-ray set.

    ``person1000_bacteria_2931.jpg`` is patient ``person1000``. ``IM-0115-0001.jpg`` and ``NORMAL2-IM-0115-0001.jpg``
    may be two patients; they count as one, ``IM-0115``, to stay in the same split.

    Raises:
        ValueError: if the name has neither form.
    """
    found = re.search(r"(person\d+)_|(IM-\d+)", file_name)
    if not found:
        raise ValueError(f"the file name {file_name!r} names no patient")
    return found[1] or found[2]


def file_names(dataset: Dataset) -> list[str]:
    """Return each row's file name, which the data set stores beside the bytes."""
    return [image["path"] for image in dataset.cast_column("image", Image(decode=False))["image"]]


def kind_of(file_name: str) -> str:
    """Return "bacteria", "virus" or, for a normal film, "normal", from a file name of the chest X-ray set."""
    found = re.search(r"bacteria|virus", file_name)
    return found[0] if found else "normal"


def strata(dataset: Dataset, source: Source) -> list[str]:
    """Return each image's data set and, where the source has strata, its stratum: "nih-chest-xray-sample AP"."""
    return (
        [f"{source.dataset} {value}" for value in dataset[source.stratum]]
        if source.stratum
        else [source.dataset] * len(dataset)
    )


def patient_split(dataset: Dataset, patients: Sequence[str], source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers, int64, of train and of validation; no patient is in both."""
    classes = [f"{stratum} {label}" for stratum, label in zip(strata(dataset, source), dataset["labels"], strict=True)]
    folds = StratifiedGroupKFold(n_splits=source.validation_folds, shuffle=True, random_state=source.split_seed)
    return next(iter(folds.split(np.zeros(len(dataset)), classes, groups=patients)))


def _with_labels(dataset: Dataset, source: Source) -> Dataset:
    label = dataset.features["label"]
    positive = label.str2int(source.positive) if isinstance(label, ClassLabel) else source.positive
    labels = [int(value == positive) for value in dataset["label"]]
    kept = ["image", source.stratum] if source.stratum else ["image"]
    return dataset.select_columns(kept).add_column("labels", labels)
