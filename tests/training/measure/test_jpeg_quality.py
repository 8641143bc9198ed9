import pytest

from tests.training.audited_data import encode, noise
from training.measure.jpeg_quality import NOT_JPEG, jpeg_quality


@pytest.mark.parametrize("quality", [1, 10, 50, 75, 80, 95, 100])
def test_the_quality_of_a_saved_file_is_found(quality: int) -> None:
    assert jpeg_quality(encode(noise(1), quality=quality)) == quality


def test_a_png_has_no_jpeg_quality() -> None:
    assert jpeg_quality(encode(noise(1), "PNG")) == NOT_JPEG
