import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from datasets import Dataset, Features, Image, Value
from PIL import Image as Pictures
from safetensors.torch import load_file

from overread.model_folder import ONNX_FILE, sha256_of
from training import train_lungs
from training.data.lung_masks import kermany_lungs, kermany_train_lungs, mask_of
from training.export_lungs import export
from training.methods.lung_net import SIDE, LungNet
from training.train_lungs import MaskedFilms, loss_of, masked_films, train


def some_films(count: int) -> MaskedFilms:
    """Return films whose lungs are two dark boxes."""
    random = np.random.default_rng(count)
    lungs = np.zeros((count, 224, 224), np.uint8)
    lungs[:, 40:180, 30:90] = lungs[:, 40:180, 130:190] = 1
    films = 180 - 120 * lungs + random.integers(0, 30, lungs.shape, np.uint8)
    return MaskedFilms(torch.from_numpy(films.astype(np.uint8)), torch.from_numpy(lungs))


def test_an_interrupted_training_ends_as_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known, validation = some_films(64), some_films(32)
    whole = train(known, validation, tmp_path / "whole", epochs=2)

    def interrupt(*_: object) -> float:
        raise KeyboardInterrupt

    measure = train_lungs.mean_dice
    calls = iter([measure, interrupt])
    monkeypatch.setattr(train_lungs, "mean_dice", lambda *values: next(calls)(*values))
    with pytest.raises(KeyboardInterrupt):
        train(known, validation, tmp_path / "stopped", epochs=2)
    monkeypatch.setattr(train_lungs, "mean_dice", measure)
    resumed = train(known, validation, tmp_path / "stopped", epochs=2)
    for name, weights in load_file(whole / "model.safetensors").items():
        torch.testing.assert_close(load_file(resumed / "model.safetensors")[name], weights)
    record = json.loads((resumed / "training.json").read_text())
    assert [epoch["epoch"] for epoch in record["epochs"]] == [1, 2] and record["train_films"] == 64


def test_the_loss_falls_with_the_overlap() -> None:
    lungs = torch.zeros(2, 8, 8)
    lungs[:, :4] = 1
    logits = 10 * (2 * lungs - 1)
    assert loss_of(logits, lungs) < 0.01 < loss_of(torch.zeros(2, 8, 8), lungs) < loss_of(-logits, lungs)


def test_masks_come_by_name_and_films_without_one_are_left_out(tmp_path: Path) -> None:
    def picture(value: int, mode: str = "L") -> Pictures.Image:
        return Pictures.new("L", (224, 224), value).convert(mode)

    (tmp_path / "data").mkdir()
    masks = {
        "path": ["person1_virus_6", "IM-0001-0001", "NORMAL2-IM-0007-0001"],
        "split": ["train", "test", "train"],
        "lungs": [picture(255, "1"), picture(0, "1"), picture(255, "1")],
    }
    features = Features({"path": Value("string"), "split": Value("string"), "lungs": Image()})
    Dataset.from_dict(masks, features).to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    found = kermany_lungs(tmp_path)
    assert set(found) == set(masks["path"]) and found["person1_virus_6"].all() and not found["IM-0001-0001"].any()
    assert set(kermany_train_lungs(tmp_path)) == {"person1_virus_6", "NORMAL2-IM-0007-0001"}
    assert mask_of("folder/person1_virus_6.jpeg", found) is found["person1_virus_6"]
    assert mask_of("person2_virus_6.jpeg", found) is None

    files = [tmp_path / name for name in ("person1_virus_6.jpeg", "person2_virus_8.jpeg")]
    for file in files:
        picture(90).save(file)
    films = Dataset.from_dict({"image": [str(file) for file in files]}, Features({"image": Image()}))
    kept = masked_films(films, found)
    assert len(kept) == 1 and kept.films.shape == (1, 224, 224) and kept.lungs.min() == 1


def test_the_exported_file_gives_the_nets_probabilities(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = LungNet().eval()
    digests = export(net, tmp_path)
    assert digests[ONNX_FILE] == sha256_of(tmp_path / ONNX_FILE)
    films = torch.rand(3, 1, SIDE, SIDE)
    session = onnxruntime.InferenceSession(str(tmp_path / ONNX_FILE), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = net(films).sigmoid().numpy()  # its large weights were rounded as they are stored
    np.testing.assert_allclose(session.run(["lungs"], {"film": films.numpy()})[0], expected, atol=1e-4)
