"""What goes wrong while pushing reaches the user as one sentence, and nothing is left half done."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi, constants

from overread.cli import main
from overread.deploy.hub_errors import HubRefusedError
from overread.deploy.models import push
from overread.model_folder import ONNX_FILE
from tests.support.hub_on_loopback import HubOnLoopback

ROOT = Path(__file__).parents[2]


def test_broken_card_metadata_is_one_sentence(client: HubOnLoopback, models: Path) -> None:
    (models / "tiny" / "README.md").write_text("---\nlicense: [apache-2.0\n---\n")
    with pytest.raises(HubRefusedError, match=r"refused someone/tiny: Invalid metadata in README\.md"):
        push("tiny", "someone", HfApi(), models)
    assert set(client.files("someone/tiny")) == {".gitattributes"}


def test_one_refused_folder_keeps_all_at_home(
    client: HubOnLoopback, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (models / "other" / ONNX_FILE).write_bytes(b"another")
    before = (models / "catalogue.json").read_text()
    assert main(["push", "--namespace", "someone", "--pin", "--models", str(models)]) == 1
    assert capsys.readouterr().err == (
        "other is not what would be served: onnx/model.onnx is not the file the catalogue pins (its SHA-256 differs).\n"
    )
    assert client.requests == [] and (models / "catalogue.json").read_text() == before


def test_without_a_token_one_sentence_says_how_to_log_in(hub: HubOnLoopback, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "overread", "push", "--namespace", "someone"],
        env=hub.client_environment(tmp_path),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, hub.requests) == (1, "", [])
    assert done.stderr.startswith("There is no token for the Hub: log in with `hf auth login`, or set HF_TOKEN ")
    assert done.stderr.count("\n") == 1


def refused(models: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one sentence with which a push of `tiny` with --pin ends, the catalogue being left alone."""
    before = (models / "catalogue.json").read_text()
    where = ("--models", str(models), "--readme", str(models / "README.md"))
    assert main(["push", "tiny", "--pin", *where, *(arguments or ("--namespace", "someone"))]) == 1
    said: Any = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and (models / "catalogue.json").read_text() == before
    return said.err


def test_a_wrong_token_is_one_sentence(client: HubOnLoopback, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client.accept_only("hf_another")
    sentence = refused(models, capsys)
    assert sentence.startswith("The Hub does not accept the token: log in with `hf auth login`")


@pytest.mark.parametrize("there_already", [False, True])
def test_a_foreign_namespace_is_one_sentence(
    client: HubOnLoopback,
    models: Path,
    capsys: pytest.CaptureFixture[str],
    there_already: bool,
) -> None:
    if there_already:
        client.put_repo("someone/tiny", {"config.json": b"theirs"})
    client.close_namespace("someone")
    sentence = refused(models, capsys)
    assert sentence.startswith("The token has no right to write someone/tiny: log in with")
    if there_already:
        assert client.files("someone/tiny") == {"config.json": b"theirs"}


def test_a_hub_that_fails_is_one_sentence(
    client: HubOnLoopback, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.fail(500)
    sentence = refused(models, capsys)
    assert sentence == "The Hub refused someone/tiny with status 500: The Hub is out of order, as this test asked.\n"


def test_a_hub_out_of_reach_is_one_sentence(
    client: HubOnLoopback,
    models: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with HubOnLoopback() as gone:
        pass
    monkeypatch.setattr(constants, "ENDPOINT", gone.endpoint)
    sentence = refused(models, capsys)
    assert sentence.startswith("The Hub cannot be reached, or broke off while someone/tiny was uploaded (ConnectError)")


def test_an_impossible_namespace_is_one_sentence(
    client: HubOnLoopback, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = refused(models, capsys, "--namespace", "a b")
    assert sentence == "a b/tiny is no valid name of a Hub repository.\n"


def test_an_unknown_model_is_one_sentence(
    client: HubOnLoopback, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", "tinny", "--namespace", "someone", "--models", str(models)]) == 2
    assert capsys.readouterr().err == "There is no model 'tinny': choose one of tiny, other.\n"
    assert client.requests == []
