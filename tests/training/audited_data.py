"""Small data sets with shortcuts, duplicates and patients in two splits, in the schemas of the real ones."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, Features, Image, Value
from PIL import Image as PillowImage

Row = tuple[str, bytes, int]  # file name, file, label


def noise(seed: int, width: int = 40, height: int = 40, colour: bool = True) -> PillowImage.Image:
    shape = (height, width, 3) if colour else (height, width)
    return PillowImage.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def encode(image: PillowImage.Image, kind: str = "JPEG", **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write_split(folder: Path, split: str, rows: Sequence[Row], label: ClassLabel | Value) -> None:
    (folder / "data").mkdir(exist_ok=True)
    columns = {
        "image": [{"bytes": content, "path": name} for name, content, _ in rows],
        "label": [value for *_, value in rows],
    }
    Dataset.from_dict(columns, Features({"image": Image(), "label": label})).to_parquet(
        folder / "data" / f"{split}-00000-of-00001.parquet"
    )


def write_pcam(folder: Path) -> str:
    """Return a folder in PCam's schema.

    In train, images with the finding have JPEG quality 60, the others 90. One image is in train and test with both
    labels, one twice in valid; valid has a PNG and a truncated file.
    """
    shared = encode(noise(1000), quality=90)
    train = [(f"train{n}.jpg", encode(noise(n), quality=60 if n < 6 else 90), n < 6) for n in range(16)]
    train.append(("shared.jpg", shared, False))
    valid = [(f"valid{n}.jpg", encode(noise(100 + n), quality=75), n % 2 == 0) for n in range(6)]
    valid += [
        ("again.jpg", valid[0][1], True),
        ("<b>lossless&.png", encode(noise(200), "PNG"), False),
        ("cut-off.jpg", valid[1][1][:900], False),
    ]
    test = [(f"test{n}.jpg", encode(noise(300 + n), quality=75), n < 2) for n in range(5)]
    test.append(("renamed.jpg", shared, True))
    for split, rows in (("train", train), ("valid", valid), ("test", test)):
        write_split(folder, split, rows, Value("bool"))
    return str(folder)


def write_chest(folder: Path) -> str:
    """Return a folder of grey images in the chest X-ray set's schema.

    Images with pneumonia are wider. Test shares a patient with train twice: with the same kind and with another.
    """

    def scan(name: str, seed: int) -> Row:
        with_finding = name.startswith("person")
        return name, encode(noise(seed, width=60 if with_finding else 40, colour=False)), int(with_finding)

    pneumonia = [f"person{n}_{kind}_{n}.jpg" for n in range(24) for kind in ("bacteria",) * 2 + ("virus",)]
    normal = [f"IM-{n:04d}-0001.jpg" for n in range(24)]
    train = [scan(name, seed) for seed, name in enumerate(pneumonia + normal)]
    test = [scan(name, 500 + n) for n, name in enumerate(("person900_virus_1.jpg", "IM-0900-0001.jpg", *pneumonia[:2]))]
    for split, rows in (("train", train), ("test", test)):
        write_split(folder, split, rows, ClassLabel(names=["NORMAL", "PNEUMONIA"]))
    return str(folder)
