"""``overread deploy space``: the Gradio app as a Hugging Face Space."""

import re
from pathlib import Path

from huggingface_hub import metadata_load, metadata_save

from overread.catalogue import CatalogueEntry, namespace, published
from overread.deploy.checkout import CheckoutError, committed_files

FILES = (
    *("README.md", "LICENSE", "SECURITY.md", "requirements.txt", "app.py", "ui", "overread", "examples", "docs"),
    *("models", ":(exclude)models/*/model.safetensors"),
)
LARGEST_SPACE = 10**9  # bytes; a Space of a free account has 1 GB (https://huggingface.co/docs/hub/storage-limits)
HARDWARE = {False: "cpu-basic", True: "zero-a10g"}
ZERO_GPU_PYTHON = "3.12"  # ZeroGPU runs 3.10 and 3.12 only (https://huggingface.co/docs/hub/spaces-zerogpu)
# `spaces` patches torch where it finds it and works without: the app has no use for torch.
ZERO_GPU_REQUIREMENTS = "# Only on ZeroGPU.\nspaces==0.51.3\n"
THUMBNAIL = "ui/web/share.jpg"


def space_folder(to: Path, space: str, zero_gpu: bool = False) -> Path:
    """Return a folder that holds exactly what a Space needs, with its front matter completed.

    Args:
        to: the folder, which must not exist or be empty.
        space: the Space's name, ``OWNER/NAME``.
        zero_gpu: for ZeroGPU hardware.

    Raises:
        CheckoutError: if the Space would fail to build, with the reason.
    """
    committed_files(FILES, to)
    requirements = to / "requirements.txt"
    readme = to / "README.md"
    front_matter = metadata_load(readme) or {}
    _check(front_matter, requirements.read_text(encoding="utf-8"), to)
    if zero_gpu:
        with requirements.open("a", encoding="utf-8") as file:
            file.write(ZERO_GPU_REQUIREMENTS)
        front_matter["python_version"] = ZERO_GPU_PYTHON
    if owner := namespace():
        entries = published().values()
        front_matter["models"] = [f"{owner}/{entry.name}" for entry in entries]
        front_matter["preload_from_hub"] = [preloaded(owner, entry) for entry in entries]
    front_matter["suggested_hardware"] = HARDWARE[zero_gpu]
    front_matter["thumbnail"] = f"https://huggingface.co/spaces/{space}/resolve/main/{THUMBNAIL}"
    metadata_save(readme, front_matter)
    return to


def preloaded(owner: str, entry: CatalogueEntry) -> str:
    """Return a line of ``preload_from_hub``: the repository, the files that inference needs, the revision."""
    return f"{owner}/{entry.name} {','.join(entry.sha256)} {entry.revision}"


def _check(front_matter: dict[str, object], requirements: str, folder: Path) -> None:
    pinned = re.search(r"^gradio(?:\[[^\]]*\])?==(\S+)", requirements, re.MULTILINE)
    if not pinned or pinned[1] != front_matter.get("sdk_version"):
        raise CheckoutError(
            f"The Space would not build: README.md asks for Gradio {front_matter.get('sdk_version')}, requirements.txt "
            f"for {pinned[1] if pinned else 'none'}; write the same version in both."
        )
    bytes_in_all = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if bytes_in_all > LARGEST_SPACE:
        raise CheckoutError(
            f"The Space would have {bytes_in_all / 1e9:.1f} GB, and a free account's may have 1 GB: "
            "push the models (`overread push`) and leave them out."
        )
