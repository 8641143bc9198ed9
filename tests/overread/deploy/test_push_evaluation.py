"""``overread push --evaluation --collection``: the predictions as a data set, and everything in one collection."""

import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from overread.catalogue import MODELS_FOLDER, catalogue
from overread.deploy.evaluation_data import DATA_SET, push_collection, push_evaluation
from overread.deploy.hub_errors import HubRefusedError
from tests.support.hub_on_loopback import HubOnLoopback

LOAD = """
import sys
from datasets import load_dataset
table = load_dataset(sys.argv[1], sys.argv[2])["train"]
print(len(table), sorted(table.column_names))
"""


@pytest.fixture
def api(hub: HubOnLoopback) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token="hf_right")


def test_the_data_set_loads_as_its_card_says(hub: HubOnLoopback, api: HfApi, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    names = list(catalogue())
    push_evaluation(names, "tester", api, MODELS_FOLDER)
    card = hub.files(f"tester/{DATA_SET}", kind="dataset")["README.md"].decode()
    assert f'load_dataset("tester/{DATA_SET}", "{names[0]}")' in card
    command = [sys.executable, "-c", LOAD, f"tester/{DATA_SET}", names[-1]]
    environment = hub.client_environment(tmp_path)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = (MODELS_FOLDER / names[-1] / "predictions.csv").read_text().splitlines()
    assert done.stdout.split(" ", 1) == [str(len(rows) - 1), "['label', 'log_odds', 'row', 'split']\n"]


def test_private_figures_are_never_silently_public(hub: HubOnLoopback, api: HfApi) -> None:
    hub.put_repo(f"tester/{DATA_SET}", {"README.md": b"public"}, "dataset")
    with pytest.raises(HubRefusedError, match=f"tester/{DATA_SET} is public already"):
        push_evaluation(list(catalogue()), "tester", api, MODELS_FOLDER, private=True)
    assert hub.files(f"tester/{DATA_SET}", kind="dataset") == {"README.md": b"public"}


def test_a_collection_holds_each_once_however_often_it_is_pushed(hub: HubOnLoopback, api: HfApi) -> None:
    for name in ("net", "other"):
        hub.put_repo(f"tester/{name}", {"config.json": b"{}"})
    hub.put_repo(f"tester/{DATA_SET}", {"README.md": b""}, "dataset")
    for _ in range(2):
        push_collection(["net", "other"], "tester", api, with_evaluation=True)
    (collection,) = hub.collections.values()
    found = [(item["id"], item["type"]) for item in collection["items"]]
    assert found == [("tester/net", "model"), ("tester/other", "model"), (f"tester/{DATA_SET}", "dataset")]
