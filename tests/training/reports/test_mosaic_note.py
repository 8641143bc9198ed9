import json
import shutil
from pathlib import Path

from training.measure.training_record import TRAINING_FILE
from training.reports.model_card import render_card


def test_a_card_says_that_the_pointing_game_is_optimistic_after_mosaic_training(
    trained_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained_folder, tmp_path / trained_folder.name)
    assert "optimistic for this map" not in render_card(folder)
    record = json.loads((folder / TRAINING_FILE).read_text(encoding="utf-8"))
    record["stages"][0]["mosaic_share"] = 0.5
    (folder / TRAINING_FILE).write_text(json.dumps(record), encoding="utf-8")
    assert f"optimistic for this map: `{record['model']}`" in render_card(folder)
