"""`make upgrade`: which requirements are raised and how the files are rewritten."""

import importlib.util
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
REQUIREMENTS = f"""# Comments stay.
-r ../requirements.txt
pillow==1.0.0; python_version >= "3.8"
pillow==0.9.0; python_version < "3.8"
gradio[mcp]==1.0
torch==2.13.0
numpy==1.0 ; python_version >= "{sys.version_info.major}.{sys.version_info.minor}"
"""


@pytest.fixture(scope="module")
def upgrade() -> ModuleType:
    spec = importlib.util.spec_from_file_location("upgrade", ROOT / ".ci" / "upgrade.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pins_become_the_installed_versions_and_everything_else_stays(upgrade: ModuleType) -> None:
    assert upgrade.rewritten(REQUIREMENTS).splitlines() == [
        "# Comments stay.",
        "-r ../requirements.txt",
        f'pillow=={version("pillow")}; python_version >= "3.8"',
        'pillow==0.9.0; python_version < "3.8"',
        f"gradio[mcp]=={version('gradio')}",
        "torch==2.13.0",
        f'numpy=={version("numpy")} ; python_version >= "{sys.version_info.major}.{sys.version_info.minor}"',
    ]


def test_names_are_unpinned_except_those_that_keep_their_version(upgrade: ModuleType) -> None:
    assert upgrade.names(REQUIREMENTS) == ["pillow", "gradio[mcp]", "torch==2.13.0", "numpy"]


def test_every_file_of_pins_is_known(upgrade: ModuleType) -> None:
    on_disk = {str(path.relative_to(ROOT)) for path in ROOT.glob("*/*requirements*.txt")} | {"requirements.txt"}
    separate = {"lambda/requirements-dev.txt"}  # aws-sam-cli's own pins decide there
    assert {file for file in on_disk if not file.startswith(("dist/", "."))} == {*upgrade.FILES, *separate}
    for file in upgrade.FILES:
        assert upgrade.names((ROOT / file).read_text())
