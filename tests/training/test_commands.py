import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from training.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_a_file_with_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (ROOT / "training" / f"{command.replace('-', '_')}.py").is_file()
    module = import_module(f"training.{command.replace('-', '_')}")
    assert f"python -m training {command}" in (module.__doc__ or "")
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--data", "--runs", "--models"))


def test_every_file_at_the_top_of_training_is_a_command() -> None:
    files = {path.stem for path in (ROOT / "training").glob("*.py")} - {"__init__", "__main__"}
    assert files == {command.replace("-", "_") for command in COMMANDS}


def test_without_a_command_all_are_listed_in_order() -> None:
    done = subprocess.run([sys.executable, "-m", "training"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    positions = [done.stdout.index(f"\n{command} ") for command in COMMANDS]
    assert positions == sorted(positions)


def test_importing_training_leaves_torch_alone() -> None:
    code = "import sys, training; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0


def test_a_named_error_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "pcam-teacher-128", "--runs", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
