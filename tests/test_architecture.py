"""Imports point one way: app, Lambda, training and benchmarks -> overread; in training commands -> rooms -> data."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "overread": ROOT / "overread",
    "overread_lambda": ROOT / "lambda" / "overread_lambda",
    "training": ROOT / "training",
    "ui": ROOT / "ui",
    "benchmarks": ROOT / "benchmarks",
}
ROOMS = ("training.methods", "training.measure", "training.reports")
FORBIDDEN = {  # by the importing module or package: what it must not import
    "overread": ("torch", "torchvision", "timm", "transformers", "gradio", "training", "ui", "overread_lambda", "app"),
    "overread_lambda": ("torch", "gradio", "training", "ui", "app"),
    "ui": ("torch", "training", "overread_lambda", "app"),
    "training": ("gradio", "ui", "overread_lambda", "app"),
    "training.data": ("training.recipes", "training.domains", *ROOMS),
    "training.domains": ROOMS,
    "training.recipes": ROOMS,
}


def modules() -> dict[str, Path]:
    """Return the file of every module of the packages by its dotted name."""
    found = {"app": ROOT / "app.py"}
    for package, folder in PACKAGES.items():
        for file in folder.rglob("*.py"):
            parts = [package, *file.relative_to(folder).with_suffix("").parts]
            found[".".join(parts).removesuffix(".__init__")] = file
    return found


def imports_of(file: Path, known: set[str]) -> set[str]:
    """Return the modules that a file imports, anywhere in it; of the packages above, as precisely as they are known."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{file} has a relative import"
            submodules = {f"{node.module}.{name.name}" for name in node.names} & known
            found |= submodules or {node.module}
    return found


MODULES = modules()
IMPORTS = {name: imports_of(file, set(MODULES)) for name, file in MODULES.items()}


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_there_is_no_import_cycle() -> None:
    graph = {name: imported & set(MODULES) - {name} for name, imported in IMPORTS.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError and names the modules


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_imports_nothing_above_it(package: str) -> None:
    found = {
        (name, imported)
        for name in MODULES
        if within(name, package)
        for imported in IMPORTS[name]
        if any(within(imported, forbidden) for forbidden in FORBIDDEN[package])
    }
    assert not found


def test_no_room_of_training_imports_a_command() -> None:
    commands = {name for name, file in MODULES.items() if file.parent == ROOT / "training"} - {"training"}
    rooms = {name for name, file in MODULES.items() if file.parent.parent == ROOT / "training"}
    assert {"training.train", "training.evaluate"} <= commands and "training.methods.heatmap_in_graph" in rooms
    assert not {(room, imported) for room in rooms for imported in IMPORTS[room] & commands}
