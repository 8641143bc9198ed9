from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from overread.preprocessing import Preprocessing
from training.methods.preprocessing_in_graph import write_preprocessing

FILM = Path(__file__).parents[3] / "examples" / "chest-xray" / "IM-0101-0001.jpeg"


def preprocessing(interpolation: str) -> Preprocessing:
    return Preprocessing(224, 200, interpolation, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(1460, 906), (300, 500), (100, 80), (200, 224)])
def test_the_graph_resizes_and_normalises_as_pillow_and_numpy(
    interpolation: str, size: tuple[int, int], tmp_path: Path
) -> None:
    wanted = preprocessing(interpolation)
    session = ort.InferenceSession(write_preprocessing(wanted, tmp_path))
    image = Image.open(FILM).convert("RGB").resize(size)
    (made,) = session.run(None, {"image": np.asarray(image)[None]})
    levels = 255 * np.abs(made - wanted([image])) * np.reshape(wanted.std, (1, 3, 1, 1))
    assert levels.mean() < 0.02 and levels.max() < 3.5


def test_another_filter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not by lanczos"):
        write_preprocessing(preprocessing("lanczos"), tmp_path)
