"""Reading and writing ``catalogue.json``."""

import json
import shutil
from pathlib import Path

import pytest

from overread.catalogue import (
    CATALOGUE_FILE,
    catalogue,
    domains,
    make_default,
    pin_commits,
    pin_files,
    pin_words,
    resolve,
)
from overread.domain_text import DomainText
from overread.errors import UnknownModelError
from overread.model_folder import read_config

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the catalogue that a test may change."""
    return Path(shutil.copy(CATALOGUE_FILE, tmp_path / "catalogue.json"))


def test_a_domain_stands_for_its_first_model() -> None:
    assert resolve("chest-xray").name == "chest-xray-efficientnet-lite0"
    assert resolve("pcam-resnet18").name == "pcam-resnet18"
    with pytest.raises(UnknownModelError, match="There is no model 'knee': choose one of pcam-"):
        resolve("knee")


def test_pinned_files_replace_the_former_ones_and_change_nothing_else(copy: Path) -> None:
    before = json.loads(copy.read_text())
    pin_files("pcam-resnet18", "histopathology", {"config.json": "aa", "onnx/model.onnx": "bb"}, file=copy)
    after = json.loads(copy.read_text())
    assert after["models"]["pcam-resnet18"].pop("sha256") == {"config.json": "aa", "onnx/model.onnx": "bb"}
    del before["models"]["pcam-resnet18"]["sha256"]
    assert after == before and list(after["models"]) == list(before["models"])


def test_a_new_model_is_appended_with_its_members(copy: Path) -> None:
    digests = {"config.json": "cc"}
    pin_files("both", "chest-xray", digests, ["one", "two"], file=copy, title="Both", summary="slower")
    new = list(catalogue(copy).values())[-1]
    assert (new.name, new.domain, new.revision, new.members) == ("both", "chest-xray", "main", ("one", "two"))
    assert (new.title, new.summary) == ("Both", "slower")


def test_the_catalogue_shows_people_what_the_models_folders_say() -> None:
    for model in catalogue().values():
        config = read_config(model.bundled_folder)
        assert (model.title, model.summary) == (config.title, config.summary)
        assert config.title and config.summary


def test_a_new_domain_gets_the_last_tab_as_soon_as_it_has_a_model(copy: Path) -> None:
    before, knee = domains(copy), DomainText("Knee", "Finds tears.", "A tear?", "a knee", "knee", "knees", "knees.")
    pin_words("knee", knee, file=copy)
    assert domains(copy) == before
    pin_files("knee-net", "knee", {"config.json": "aa"}, file=copy)
    assert list(domains(copy).items()) == [*before.items(), ("knee", knee)]
    assert resolve("knee", catalogue(copy)).name == "knee-net"


@pytest.mark.parametrize("name", ["pcam-ensemble", "chest-xray-efficientnet-lite0"])
def test_a_default_is_the_first_of_its_domain_and_the_others_keep_their_order(name: str, copy: Path) -> None:
    before = list(catalogue(copy))
    make_default(name, file=copy)
    known = catalogue(copy)
    assert resolve(known[name].domain, known).name == name
    assert [other for other in known if other != name] == [other for other in before if other != name]


def test_an_unknown_model_is_no_default(copy: Path) -> None:
    before = copy.read_bytes()
    with pytest.raises(UnknownModelError, match="no model 'knee'"):
        make_default("knee", file=copy)
    assert copy.read_bytes() == before


def test_pinned_commits_set_the_namespace_and_the_revisions(copy: Path) -> None:
    pin_commits("someone", {"pcam-resnet18": COMMIT}, file=copy)
    assert json.loads(copy.read_text())["namespace"] == "someone"
    revisions = {name: model.revision for name, model in catalogue(copy).items()}
    assert revisions.pop("pcam-resnet18") == COMMIT and set(revisions.values()) == {"main"}


def test_a_commit_of_an_unknown_model_is_refused_and_nothing_is_written(copy: Path) -> None:
    before = copy.read_bytes()
    with pytest.raises(UnknownModelError, match="no model 'knee'"):
        pin_commits("someone", {"pcam-resnet18": COMMIT, "knee": COMMIT}, file=copy)
    assert copy.read_bytes() == before


def test_writing_what_is_there_keeps_the_file_byte_for_byte(copy: Path) -> None:
    before, model = copy.read_bytes(), catalogue(copy)["pcam-ensemble"]
    pin_files(model.name, model.domain, model.sha256, model.members, file=copy)
    assert copy.read_bytes() == before


def test_a_failed_write_leaves_the_catalogue_whole(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = copy.read_bytes()

    def disk_full(self: Path, text: str, encoding: str) -> int:
        self.write_bytes(text.encode(encoding)[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", disk_full)
    with pytest.raises(OSError, match="No space left"):
        pin_commits("someone", {}, file=copy)
    assert copy.read_bytes() == before
