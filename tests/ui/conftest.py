from collections.abc import Iterator

import pytest

from tests.support.running_app import running_app


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The running app."""
    with running_app(tmp_path_factory.mktemp("app") / "app.log") as url:
        yield url
