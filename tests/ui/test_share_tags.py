import re

import pytest

from ui.page import WEB
from ui.share_tags import share_tags


def test_a_space_shows_a_picture_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_HOST", "you-overread.hf.space")
    found = re.search(r'property="og:image" content="https://you-overread.hf.space/web/([^"]+)"', share_tags())
    assert found and (WEB / found[1]).is_file()


def test_without_a_public_address_no_picture_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_HOST", raising=False)
    assert "og:image" not in share_tags() and "og:title" in share_tags()
