"""Builds the function's package: the folder that is the content of the zip and of the image.

python -m overread_lambda.package [--python 3.12 --arch x86_64|arm64] [--folder FOLDER]     or: make lambda-zip

Writes dist/overread-lambda-py312-x86_64.zip: overread_lambda, overread with the bundled models, and the wheels of
lambda/requirements.txt for Amazon Linux. Default: for the Python and the processor that run this command. The same
inputs give the same bytes. With --folder the package is written there, unzipped.
"""

import argparse
import compileall
import platform
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("overread", "lambda/overread_lambda")
WEIGHT_FILES = ("config.json", "onnx/*.onnx", "guard.npz")
# "Deployment package size: 250 MB unzipped, including layers and custom runtimes", AWS Lambda quotas.
MAX_UNZIPPED_BYTES = 250 * 2**20
# Amazon Linux 2023, on which Lambda's Python 3.12 runs, has glibc 2.34.
PLATFORM_TAGS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
WHEEL_MACHINE = {"x86_64": "x86_64", "arm64": "aarch64"}
UNUSED = ("tests", "test_files", "__pycache__", "*.pyi", "*.pxd", "*.h", "*.a", "bin")
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
THIS_ARCH = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def build_folder(folder: Path, python: str = THIS_PYTHON, arch: str = THIS_ARCH) -> None:
    """Write the package into an empty folder, readable by every user whatever the umask.

    Args:
        folder: an empty folder, or one that does not exist.
        python: the runtime's version, such as "3.12".
        arch: "x86_64" or "arm64".

    Raises:
        ValueError: if the package is larger than Lambda accepts.
        subprocess.CalledProcessError: if pip finds no wheel for that Python and processor.
    """
    _install(folder, python, arch)
    for pattern in UNUSED:
        for path in list(folder.rglob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    for source in (REPOSITORY / package for package in PACKAGES):
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "models").mkdir()
    shutil.copy(REPOSITORY / "models" / "catalogue.json", folder / "models" / "catalogue.json")
    for model in sorted((REPOSITORY / "models").iterdir()):
        for pattern in WEIGHT_FILES:
            for file in model.glob(pattern):
                target = folder / "models" / file.relative_to(model.parent)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
    if python == THIS_PYTHON:
        # Lambda cannot store bytecode, because the package's folder is read-only there: each cold start would compile.
        # The hash in place of a time stamp keeps the files reproducible.
        compileall.compile_dir(folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    # Lambda, and the image's user 65534, read files that root wrote.
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else _mode(path))
    size = unzipped_bytes(folder)
    if size > MAX_UNZIPPED_BYTES:
        limit = MAX_UNZIPPED_BYTES / 2**20
        raise ValueError(f"The package has {size / 2**20:.0f} MB unzipped, Lambda takes {limit:.0f}.")


def _install(folder: Path, python: str, arch: str) -> None:
    tags = [f"{tag}_{WHEEL_MACHINE[arch]}" for tag in PLATFORM_TAGS]
    elsewhere = (python, arch) != (THIS_PYTHON, THIS_ARCH)
    target = [option for tag in tags for option in ("--platform", tag)] if elsewhere else []
    if elsewhere:
        target += ["--python-version", python, "--implementation", "cp"]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--no-compile", "--no-deps", "--only-binary", ":all:"),
            *("--target", str(folder), "--requirement", str(REPOSITORY / "lambda" / "requirements.txt"), *target),
        ],
        check=True,
    )


def unzipped_bytes(folder: Path) -> int:
    """Return the total size of the package's files in bytes."""
    return sum(file.stat().st_size for file in files(folder))


def files(folder: Path) -> Iterator[Path]:
    """Yield the package's files in a fixed order."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def write_zip(folder: Path, target: Path) -> None:
    """Write the folder as a zip whose bytes depend only on the names and the content of the files."""
    from tqdm import tqdm  # imported here because the build of the image, which makes no zip, has no tqdm

    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in tqdm(list(files(folder)), unit="file", disable=None):
            entry = zipfile.ZipInfo(str(file.relative_to(folder)))  # dated 1980, zip's earliest
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _mode(file) << 16
            archive.writestr(entry, file.read_bytes())


def _mode(file: Path) -> int:
    return 0o755 if file.suffix == ".so" else 0o644


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the package; print where it is and its size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=THIS_PYTHON, metavar="3.12", help="the runtime's version")
    parser.add_argument("--arch", default=THIS_ARCH, choices=sorted(WHEEL_MACHINE))
    parser.add_argument("--folder", type=Path, help="write the package here, unzipped, and no zip")
    options = parser.parse_args(arguments)
    if options.folder:
        build_folder(options.folder, options.python, options.arch)
        print(f"{options.folder}: {unzipped_bytes(options.folder) / 2**20:.0f} MB")
        return 0
    name = f"overread-lambda-py{options.python.replace('.', '')}-{options.arch}.zip"
    target = REPOSITORY / "dist" / name
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "package"
        build_folder(folder, options.python, options.arch)
        write_zip(folder, target)
        size = unzipped_bytes(folder)
    if options.python != THIS_PYTHON:
        print(f"No bytecode: that needs Python {options.python}, this is {THIS_PYTHON}. Cold starts will take longer.")
    print(f"dist/{name}: {target.stat().st_size / 2**20:.0f} MB, unzipped {size / 2**20:.0f} MB of 250")
    return 0


if __name__ == "__main__":
    sys.exit(main())
