"""Asks a live Space about the examples, and compares with this checkout: exit code 1 if an answer has changed.

python examples/check_space.py --url https://OWNER-overread.hf.space [--namespace OWNER]

With a namespace, the models' repositories on the Hub are loaded as well, and must hold the pinned files.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gradio_client import Client, handle_file

import overread
from overread.catalogue import catalogue
from overread.hub import locate

EXAMPLES = Path(__file__).parent
LARGEST_CHANGE = 0.01  # of a probability: another onnxruntime or processor changes less


def changed_answers(url: str) -> Iterator[str]:
    """Yield one line for every example about which the Space and this checkout do not say the same."""
    client, load = Client(url, verbose=False), cache(overread.load)
    for example in json.loads((EXAMPLES / "manifest.json").read_text(encoding="utf-8")):
        file, domain = EXAMPLES / example["file"], example["domain"]
        here = load(domain).predict(file)
        there, _ = client.predict(handle_file(file), api_name=f"/{domain.replace('-', '_')}")
        if there["reading"]["text"] != here.reading.text or (
            abs(there["probability"] - here.probability) > LARGEST_CHANGE
        ):
            yield (
                f"{example['file']}: {there['reading']['text']}, {there['probability']:.3f} on the Space; "
                f"{here.reading.text}, {here.probability:.3f} here"
            )


def changed_repositories(namespace: str) -> Iterator[str]:
    """Yield one line for every model whose repository does not hold the pinned files."""
    for entry in catalogue().values():
        if note := locate(entry, namespace).note:
            yield note


def main() -> int:
    """Print what has changed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", required=True, help="where the Space answers")
    parser.add_argument("--namespace", default="", help="of the model repositories")
    options = parser.parse_args()
    changed = list(changed_answers(options.url))
    if options.namespace:
        changed += changed_repositories(options.namespace)
    print("\n".join(changed) or "Every answer is the same.")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
