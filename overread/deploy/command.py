"""The ``overread deploy`` command.

overread deploy space --to OWNER/NAME [--zero-gpu] [--private] [--folder FOLDER]
overread deploy web --to OWNER/NAME [--private] [--folder FOLDER]
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from overread.deploy.checkout import CheckoutError
from overread.deploy.hub_errors import logged_in_api
from overread.deploy.space import HARDWARE, space_folder
from overread.deploy.upload import SDK, upload_space
from overread.deploy.web import build, web_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    kinds = parser.add_subparsers(dest="kind", required=True)
    space = kinds.add_parser("space", help="the app, as a Gradio Space")
    space.add_argument("--zero-gpu", action="store_true", help="for free ZeroGPU hardware; ONNX stays on the CPU")
    web = kinds.add_parser("web", help="the browser twin, as a static Space")
    for kind in (space, web):
        kind.add_argument("--to", required=True, metavar="OWNER/NAME", help="the Space")
        kind.add_argument("--private", action="store_true", help="make a new Space private")
        kind.add_argument("--folder", type=Path, help="only write what would be uploaded into this new folder")


def run(options: argparse.Namespace) -> int:
    """Upload, or only write what would be uploaded; print the Space's address, or the folder, and return 0."""
    zero_gpu = options.kind == "space" and options.zero_gpu

    def write(folder: Path) -> Path:
        return web_folder(folder, build()) if options.kind == "web" else space_folder(folder, options.to, zero_gpu)

    if options.folder:
        if options.folder.exists():
            raise CheckoutError(f"{options.folder} exists already: name a folder that does not.")
        print(write(options.folder))
        return 0
    logged_in_api()  # or the work would be in vain
    with TemporaryDirectory() as made:
        folder = write(Path(made) / "space")
        sdk: SDK = "static" if options.kind == "web" else "gradio"
        hardware = HARDWARE[zero_gpu] if options.kind == "space" else None
        print(upload_space(options.to, folder, sdk, hardware, options.private))
    return 0
