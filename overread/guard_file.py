"""A guard as a file in a model folder, ``guard.npz``: numpy arrays, and a header in JSON."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from overread.errors import ModelFolderError
from overread.guard import Floats, Guard, Kind, Subject
from overread.model_folder import GUARD_FILE

_ARRAYS = ("mean", "precision")


def read_guard(folder: Path) -> Guard | None:
    """Return the guard in a model folder; None if it has none.

    Raises:
        ModelFolderError: if the file is not a guard's.
    """
    file = folder / GUARD_FILE
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            kinds = [
                _kind(values, arrays[f"mean_{number}"], arrays[f"precision_{number}"])
                for number, values in enumerate(header["kinds"])
            ]
        subject = Subject(**{name: _frozen(value) for name, value in header["subject"].items()})
        roles = [values["role"] for values in header["kinds"]]
        learned, wider, others = (
            tuple(kind for kind, of in zip(kinds, roles, strict=True) if of == role)
            for role in ("learned", "wider", "other")
        )
        if not learned:
            raise ValueError("it has no kind that the model learned from")
        return Guard(subject, learned, wider, others)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ModelFolderError(f"{folder.name}/{GUARD_FILE} cannot be used: {error!r}") from error


def write_guard(guard: Guard, folder: Path) -> Path:
    """Return the file that was written into a model folder; equal guards give equal bytes."""
    roles = [("learned", kind) for kind in guard.learned] + [("wider", kind) for kind in guard.wider]
    roles += [("other", kind) for kind in guard.others]
    described = [
        {"role": role, **{field.name: getattr(kind, field.name) for field in fields(kind) if field.name not in _ARRAYS}}
        for role, kind in roles
    ]
    header = json.dumps({"subject": asdict(guard.subject), "kinds": described})
    arrays = {
        f"{name}_{number}": np.asarray(getattr(kind, name), np.float32)
        for number, (_, kind) in enumerate(roles)
        for name in _ARRAYS
    }
    file = folder / GUARD_FILE
    np.savez_compressed(file, header=np.array(header), **arrays)  # type: ignore[arg-type]  # numpy 2.4 types one flag
    return file


def _kind(values: Mapping[str, Any], mean: Floats, precision: Floats) -> Kind:
    described = {name: _frozen(value) for name, value in values.items() if name != "role"}
    return Kind(**described, mean=mean.astype(np.float64), precision=precision.astype(np.float64))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
