"""``overread deploy web``: the browser twin as a static Space."""

import shutil
import subprocess
from pathlib import Path

from huggingface_hub import metadata_save

from overread.deploy.checkout import ROOT, CheckoutError

BUILT = Path("web") / "dist"
FRONT_MATTER = {
    "title": "Overread in your browser",
    "emoji": "🔬",
    "colorFrom": "indigo",
    "colorTo": "gray",
    "sdk": "static",
    "app_file": "index.html",
    "license": "apache-2.0",
    "short_description": "A second reading of a medical image; nothing is sent",
    # Threads in WebAssembly need a page that is isolated from other origins.
    "custom_headers": {
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "cross-origin",
    },
}


def build(root: Path = ROOT) -> Path:
    """Return the folder of the built page.

    Raises:
        CheckoutError: if it cannot be built, with the reason.
    """
    if shutil.which("npm") is None:
        raise CheckoutError("The page is built with Node.js: install it (https://nodejs.org), version 20 or newer.")
    done = subprocess.run(["make", "web"], cwd=root, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise CheckoutError(f"`make web` failed: {last}")
    return root / BUILT


def web_folder(to: Path, built: Path, root: Path = ROOT) -> Path:
    """Return a folder that is a static Space: the built page, and the front matter that configures it.

    Args:
        to: the folder, which must not exist.
        built: the page, see ``build``.
        root: of the checkout.
    """
    shutil.copytree(built, to)
    shutil.copy(root / "LICENSE", to)
    readme = to / "README.md"
    readme.write_text(
        "# Overread in your browser\n\nThe models run on your device, and no image leaves it. For research and "
        "education only. It is not a medical device.\n",
        encoding="utf-8",
    )
    metadata_save(readme, FRONT_MATTER)
    return to
