"""A data set in Parquet, as on the Hub, of the example patches in all their flips and turns."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "histopathology").glob("*.jpg"))


def write_patch_table(file: Path, rows: int, row_group: int = 20) -> Path:
    """Write a table of columns image, label and name, of which row 3 holds no picture and row 5 no bytes."""
    images = [turned(number) for number in range(rows)]
    images[3], images[5] = b"no picture", None
    names = [f"patch-{number}" for number in range(rows)]
    pictures = [{"bytes": data, "path": f"{name}.png"} for data, name in zip(images, names, strict=True)]
    columns = {"label": [number % 2 for number in range(rows)], "name": names}
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"image": pa.array(pictures, kind), **columns})
    pq.write_table(table, file, row_group_size=row_group)
    return file


def turned(number: int) -> bytes:
    """Return one of the examples, flipped or turned, as PNG."""
    steps = [None, *Image.Transpose]
    step = steps[number // len(EXAMPLES) % len(steps)]
    with Image.open(EXAMPLES[number % len(EXAMPLES)]) as image:
        patch = image.convert("RGB")
    buffer = io.BytesIO()
    (patch if step is None else patch.transpose(step)).save(buffer, "PNG")
    return buffer.getvalue()
