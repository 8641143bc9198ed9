import json
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Features, Image, Value
from PIL import Image as Pictures

from overread.catalogue import lung_net
from overread.deploy.models import check_folder
from overread.errors import ModelFolderError
from overread.hub import ModelSource
from overread.lungs import LungNet
from overread.reported_figures import EVALUATION_FILE
from tests.support.tiny_lung_net import tiny_lung_net
from training.data.data_sets import CHEST_XRAY_PNEUMONIA
from training.data.lung_masks import kermany_lungs
from training.data.splits import load_split
from training.evaluate_lungs import measure
from training.reports.lung_card import render_lung_card

entry = lung_net("chest-xray")
assert entry
FOLDER = entry.bundled_folder


def test_films_are_compared_with_their_masks_by_class(tmp_path: Path) -> None:
    lungs = np.zeros((224, 224), bool)
    lungs[30:100, 40:180] = True
    films, masks = [], {}
    for name, value in (("IM-0001-0001", 20), ("person1_virus_6", 20), ("person2_virus_8", 250)):
        file = tmp_path / f"{name}.png"
        Pictures.fromarray(np.where(lungs, value, 250).astype(np.uint8)).save(file)
        films.append(str(file))
        masks[name] = lungs
    features = Features({"image": Image(), "labels": Value("int64")})
    dataset = Dataset.from_dict({"image": [*films, films[0]], "labels": [0, 1, 1, 0]}, features)
    found = measure(tiny_lung_net(tmp_path / "net"), dataset, masks, "films", damaged=False)
    assert found["films"] == 4 and found["pneumonia"]["films"] == 2
    assert found["normal"]["dice"]["value"] > 0.98 and found["lowest_dice"] < 0.01  # of the film without lungs
    assert found["pneumonia"]["dice"]["value"] == pytest.approx(found["normal"]["dice"]["value"] / 2, abs=0.01)


def test_the_shipped_figures_meet_the_bar_on_real_films(real_data: Path) -> None:
    test = load_split(CHEST_XRAY_PNEUMONIA, "test", str(real_data / "chest-xray-pneumonia"))
    masks = kermany_lungs(real_data / "chest-xray-lungs")
    some = test.select(range(0, len(test), 16))
    found = measure(LungNet(ModelSource(FOLDER, FOLDER.name), threads=1), some, masks, "films", damaged=False)
    stated = json.loads((FOLDER / EVALUATION_FILE).read_text())["splits"]["test"]
    assert stated["films"] == 624 and stated["dice"]["value"] >= 0.95
    assert found["dice"]["low"] <= stated["dice"]["high"] and found["dice"]["high"] >= stated["dice"]["low"]


def test_the_card_is_what_is_rendered() -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == render_lung_card(FOLDER)


def test_the_shipped_folder_may_be_pushed_and_one_without_figures_may_not(tmp_path: Path) -> None:
    assert entry
    check_folder(entry, FOLDER)
    (tmp_path / "README.md").touch()
    with pytest.raises(ModelFolderError, match=r"evaluation\.json, which `python -m training evaluate-lungs` writes"):
        check_folder(entry, tmp_path)
