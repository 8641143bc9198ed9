"""Loads the splits of a data set, from the Hub or from a local folder; splits validation off train by patient."""

import re
from typing import Literal

import numpy as np
from datasets import ClassLabel, Dataset, Image, load_dataset
from sklearn.model_selection import StratifiedGroupKFold

from training.data.data_sets import Source

Split = Literal["train", "validation", "test"]
VALIDATION_FOLDS = 8  # validation is one of eight folds of patients, 12.5 % of train


def load_split(source: Source, split: Split, data: str | None = None) -> Dataset:
    """Return one split with columns ``image`` (PIL) and ``labels`` (int, 1 = the finding).

    Where the source has no validation split, validation is an eighth of train's patients, stratified by label and
    reproducible from ``split_seed``; train is the rest.

    Args:
        source: the data set.
        split: "train", "validation" or "test".
        data: a local folder in the data set's schema (default: the Hub).
    """
    location = data or source.dataset
    if source.validation_split or split == "test":
        names = {"train": source.train_split, "validation": source.validation_split, "test": source.test_split}
        return _with_labels(load_dataset(location, split=names[split]), source)
    both = _with_labels(load_dataset(location, split=source.train_split), source)
    train, validation = patient_split(both, source.split_seed)
    return both.select(train if split == "train" else validation)


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


def patient_split(dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers, int64, of train and of validation; no patient is in both."""
    patients = [patient_of(name) for name in file_names(dataset)]
    folds = StratifiedGroupKFold(n_splits=VALIDATION_FOLDS, shuffle=True, random_state=seed)
    return next(iter(folds.split(np.zeros(len(dataset)), dataset["labels"], groups=patients)))


def _with_labels(dataset: Dataset, source: Source) -> Dataset:
    label = dataset.features["label"]
    positive = label.str2int(source.positive) if isinstance(label, ClassLabel) else source.positive
    labels = [int(value == positive) for value in dataset["label"]]
    return dataset.select_columns(["image"]).add_column("labels", labels)
