"""Two small data sets of drawn films, the second in the NIH sample's schema, and masks for the first."""

import io
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, Features, Image, Value
from PIL import Image as PillowImage

SIDE = 64
LUNGS = ((14, 6), (14, 36))  # top and left of the two lungs, px
LUNG = (36, 22)  # height and width, px


def film(seed: int, label: int) -> bytes:
    """Return a film, PNG: two dark lungs, in one of them a bright spot where the label is 1."""
    random = np.random.default_rng(seed)
    pixels = random.normal(150, 8, (SIDE, SIDE))
    for top, left in LUNGS:
        pixels[top : top + LUNG[0], left : left + LUNG[1]] -= 80
    if label:
        top, left = LUNGS[seed % 2]
        row, column = top + random.integers(0, 20), left + random.integers(0, 8)
        pixels[row : row + 14, column : column + 14] += 70
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def lungs() -> bytes:
    """Return the mask (224, 224) of every film, PNG."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for top, left in LUNGS:
        mask[top : top + LUNG[0], left : left + LUNG[1]] = 255
    buffer = io.BytesIO()
    PillowImage.fromarray(mask).resize((224, 224), PillowImage.Resampling.NEAREST).convert("1").save(buffer, "PNG")
    return buffer.getvalue()


def write_two_hospitals(folder: Path, patients: int = 16) -> Path:
    """Return the folder of the first hospital's films; the second's and the masks lie beside it.

    Args:
        folder: gets three data sets.
        patients: of each class in each hospital, with two films each; a multiple of 8.
    """
    names = [
        (f"person{n}_virus_{view}.png" if label else f"IM-{n:04d}-{view:04d}.png", label)
        for label in (0, 1)
        for n in range(patients)
        for view in (1, 2)
    ]
    films = [{"bytes": film(row, label), "path": name} for row, (name, label) in enumerate(names)]
    classes = ClassLabel(names=["NORMAL", "PNEUMONIA"])
    _write(folder / "chest-xray-pneumonia", {"image": films, "label": [label for _, label in names]}, classes)
    adults = {
        "image": [{"bytes": film(1000 + row, label), "path": f"{row:08d}.png"} for row, (_, label) in enumerate(names)],
        "label": [label for _, label in names],
        "patient": [name.split("_")[0].rsplit("-", 1)[0] for name, _ in names],
        "view": ["AP" if row // 2 % 4 else "PA" for row in range(len(names))],
    }
    _write(folder / "nih-chest-xray-sample", adults, classes)
    masks = {
        "path": [Path(name).stem for name, _ in names],
        "split": ["train"] * len(names),
        "width": [1000 + 20 * (row % (2 * patients)) + 300 * label for row, (_, label) in enumerate(names)],
        "height": [1000] * len(names),
        "lungs": [{"bytes": lungs(), "path": None}] * len(names),
    }
    _write(folder / "chest-xray-lungs", masks, None)
    return folder / "chest-xray-pneumonia"


def _write(folder: Path, rows: dict, label: ClassLabel | None) -> None:
    kinds = {"image": Image(), "lungs": Image(), "label": label}
    (folder / "data").mkdir(parents=True)
    plain = {name: Value("int64" if isinstance(values[0], int) else "string") for name, values in rows.items()}
    features = Features({name: kinds.get(name) or plain[name] for name in rows})
    Dataset.from_dict(rows, features).to_parquet(folder / "data" / "train-00000-of-00001.parquet")
