"""Draws the example images and writes manifest.json: python -m examples.draw_examples --data FOLDER.

Six PatchCamelyon test patches, three of each label, come from a seeded draw over all test rows: no model has a say in
which ones a visitor sees. The six chest films are all that `samples/chest-xray-test` holds. Bytes are copied unchanged.
"""

import argparse
import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq

from ui.examples import Example

HERE = Path(__file__).parent
SEED = 2026
EACH = 3  # patches of each label
PATCH_LABELS = ("no tumour in the centre", "tumour in the centre")
FILM_LABELS = {"bacteria": "pneumonia (bacterial)", "virus": "pneumonia (viral)"}


def patches(data: Path) -> Iterator[tuple[Example, bytes]]:
    """Yield the drawn PatchCamelyon test patches with their bytes."""
    table = pq.read_table(data / "PatchCamelyon" / "data" / "test-00000-of-00001.parquet").to_pylist()
    draw = random.Random(SEED)
    rows = [
        row
        for label in (False, True)
        for row in draw.sample([n for n, entry in enumerate(table) if entry["label"] is label], EACH)
    ]
    for row in rows:
        image = table[row]["image"]
        yield (
            Example(
                file=f"histopathology/{image['path']}",
                domain="histopathology",
                label=PATCH_LABELS[table[row]["label"]],
                data_set="PatchCamelyon (Hub: 1aurent/PatchCamelyon), a sample of 1,462 patches as JPEG of quality 75",
                split="test",
                row=row,
                source_file=image["path"],
                licence="CC0-1.0",
                attribution="Veeling et al. 2018; Ehteshami Bejnordi et al. 2017 (CAMELYON16)",
                sha256=hashlib.sha256(image["bytes"]).hexdigest(),
            ),
            image["bytes"],
        )


def films(data: Path) -> Iterator[tuple[Example, bytes]]:
    """Yield the chest films with their bytes; the label is in the file's name."""
    for path in sorted((data / "samples" / "chest-xray-test").iterdir()):
        kind = next((label for word, label in FILM_LABELS.items() if f"_{word}_" in path.name), "normal")
        yield (
            Example(
                file=f"chest-xray/{path.name}",
                domain="chest-xray",
                label=kind,
                data_set="Chest X-Ray Images (Pneumonia) (Hub: hf-vision/chest-xray-pneumonia)",
                split="test",
                row=None,
                source_file=path.name,
                licence="CC-BY-4.0",
                attribution="Kermany, Zhang, Goldbaum 2018, doi.org/10.17632/rscbjbr9sj.2",
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            ),
            path.read_bytes(),
        )


def main() -> None:
    """Write the images and the manifest beside this file, in the place of the old ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with PatchCamelyon/ and samples/")
    parser.add_argument("--out", type=Path, default=HERE, help="where to write (default: %(default)s)")
    options = parser.parse_args()
    drawn = [*patches(options.data), *films(options.data)]
    drawn.sort(key=lambda pair: pair[0].sha256)  # an order that does not give the labels away
    for domain in ("histopathology", "chest-xray"):
        shutil.rmtree(options.out / domain, ignore_errors=True)
        (options.out / domain).mkdir(parents=True)
    for example, data in drawn:
        (options.out / example.file).write_bytes(data)
    lines = [asdict(example) for example, _ in drawn]
    (options.out / "manifest.json").write_text(json.dumps(lines, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
