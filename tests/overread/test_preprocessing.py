import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread.catalogue import catalogue
from overread.preprocessing import Preprocessing

SIZES = [(96, 96), (224, 224), (640, 480), (301, 777), (40, 50)]
FILTERS = ["nearest", "bilinear", "bicubic", "lanczos"]


def random_picture(size: tuple[int, int]) -> Image.Image:
    noise = np.random.default_rng(sum(size)).integers(0, 256, (size[1] // 4, size[0] // 4, 3), np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def assert_equal_to_transformers(folder: Path, size: tuple[int, int]) -> None:
    config = json.loads((folder / "config.json").read_text())
    preprocess = Preprocessing.from_pretrained_cfg(config["pretrained_cfg"])
    picture = random_picture(size)
    transformers = pytest.importorskip("transformers", reason="the reference implementation is not installed")
    expected = transformers.AutoImageProcessor.from_pretrained(folder)(picture)["pixel_values"].numpy()
    np.testing.assert_allclose(preprocess([picture]), expected, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [name for name, entry in catalogue().items() if not entry.members])
def test_bundled_models_preprocess_as_transformers_does_with_their_folder(name: str, size: tuple[int, int]) -> None:
    assert_equal_to_transformers(catalogue()[name].bundled_folder, size)


@pytest.mark.parametrize("interpolation", FILTERS)
def test_every_filter_equals_the_image_processor_of_the_folder(interpolation: str, tmp_path: Path) -> None:
    preprocess = Preprocessing(80, 112, interpolation, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    config = {"architecture": "resnet18", "model_type": "timm_wrapper", "label_names": ["no", "yes"], "num_classes": 2}
    (tmp_path / "config.json").write_text(json.dumps(config | {"pretrained_cfg": preprocess.to_pretrained_cfg()}))
    assert_equal_to_transformers(tmp_path, (301, 177))


def test_the_whole_image_is_squashed() -> None:
    wide = Image.new("RGB", (400, 100), "black")
    wide.paste("white", (0, 0, 200, 100))
    values = Preprocessing(64, 64, "bilinear", (0.0,) * 3, (1.0,) * 3)([wide])[0]  # (3, 64, 64)
    assert values[:, :, :30].min() == 1 and values[:, :, 34:].max() == 0


@pytest.mark.parametrize(
    "change", [{"crop_mode": "center"}, {"crop_pct": 0.9}, {"interpolation": "random"}, {"input_size": [1, 96, 96]}]
)
def test_unsupported_preprocessing_is_refused(change: dict[str, object]) -> None:
    cfg = Preprocessing(96, 96, "bicubic", (0.5,) * 3, (0.5,) * 3).to_pretrained_cfg()
    with pytest.raises(ValueError, match=r"squash|interpolation"):
        Preprocessing.from_pretrained_cfg(cfg | change)
