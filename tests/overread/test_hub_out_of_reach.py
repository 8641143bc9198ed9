"""A Hub that is down, hangs or sends rubbish never stops the start: every bundled model serves, in bounded time."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from overread.catalogue import CatalogueEntry, catalogue
from overread.errors import ModelFolderError
from overread.hub import Hub, locate
from overread.hub_download import DownloadError
from tests.support.hub_on_loopback import HubOnLoopback

ROOT = Path(__file__).parents[2]
NAMES = list(catalogue())
COMMIT = "0" * 40
BOUND = 60  # seconds for all models; without limits of our own these took minutes, or did not end
LOCATE_ALL = """
import dataclasses, json
from overread.catalogue import catalogue, namespace
from overread.hub import locate
found = [locate(entry, namespace()) for entry in catalogue().values()]
print(json.dumps([dataclasses.asdict(source) | {"folder": str(source.folder)} for source in found]))
"""


def start(environment: dict[str, str], **more: str) -> list[dict[str, str]]:
    """Return, for every model, where it was found by a fresh process that may load from "someone"."""
    done = subprocess.run(
        [sys.executable, "-c", LOCATE_ALL],
        env=environment | {"OVERREAD_HUB_NAMESPACE": "someone"} | more,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BOUND,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_all_bundled(sources: list[dict[str, str]], reason: str) -> None:
    assert [source["name"] for source in sources] == NAMES
    for source in sources:
        assert (source["origin"], source["revision"]) == ("bundled", "bundled")
        assert reason in source["note"] and source["note"].endswith("; the bundled model answers.")


def environment(endpoint: str, home: Path) -> dict[str, str]:
    """Return os.environ changed so that a subprocess speaks to that Hub."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    direct = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return kept | direct | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}


@contextmanager
def server(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Serve every connection on loopback with ``answer``, which must return once the event is set."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=answer, args=(connection, over), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        listener.shutdown(socket.SHUT_RDWR)


def hang(connection: socket.socket, over: threading.Event) -> None:
    """Take the request and never answer."""
    over.wait()
    connection.close()


def one_byte_a_second(connection: socket.socket, over: threading.Event) -> None:
    """Answer, one byte a second: never a pause that a client's limit per read would notice."""
    with suppress(OSError), connection:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(1000):
            connection.send(bytes([byte]))
            if over.wait(1):
                return


def test_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert_all_bundled(start(environment(endpoint, tmp_path)), "the Hub cannot be reached")


@pytest.mark.parametrize("behaviour", [hang, one_byte_a_second])
def test_no_answer_in_time(behaviour: Callable[[socket.socket, threading.Event], None], tmp_path: Path) -> None:
    with server(behaviour) as endpoint:
        assert_all_bundled(start(environment(endpoint, tmp_path)), "the Hub did not answer within 3 s")


@pytest.mark.parametrize("status", [429, 500])
def test_an_error_status(status: int, hub: HubOnLoopback, tmp_path: Path) -> None:
    hub.fail(status)
    assert_all_bundled(start(hub.client_environment(tmp_path)), f"the Hub answered with status {status}")
    assert hub.requests == ["HEAD /"]  # one request for all models


def test_truncated_files(hub: HubOnLoopback, tmp_path: Path) -> None:
    for name, entry in catalogue().items():
        hub.put_repo(f"someone/{name}", config_and_empty_files(entry))
        hub.truncate(f"someone/{name}", "config.json", keep=100)
    assert_all_bundled(start(hub.client_environment(tmp_path)), "failed (OSError)")


def test_files_with_another_digest(hub: HubOnLoopback, tmp_path: Path) -> None:
    for name, entry in catalogue().items():
        files = config_and_empty_files(entry)
        hub.put_repo(f"someone/{name}", files | {"config.json": files["config.json"] + b" "})
    reason = "config.json is not the file the catalogue pins"
    assert_all_bundled(start(hub.client_environment(tmp_path)), reason)


class FilesTrickle(HubOnLoopback):
    """A Hub that answers, but sends files byte by byte and never to their end."""

    async def _resolve(self, request: Request) -> Response:
        whole = await super()._resolve(request)
        if request.method == "HEAD":
            return whole

        async def bytes_one_by_one() -> AsyncIterator[bytes]:
            for byte in bytes(whole.body):
                yield bytes([byte])
                await asyncio.sleep(1)

        return StreamingResponse(bytes_one_by_one(), headers=dict(whole.headers))


def test_files_that_trickle_are_tried_once_and_not_for_every_model(tmp_path: Path) -> None:
    with FilesTrickle() as hub:
        for name, entry in catalogue().items():
            hub.put_repo(f"someone/{name}", bundled_files(entry))
        sources = start(hub.client_environment(tmp_path), OVERREAD_HUB_SECONDS="3")
        assert_all_bundled(sources, f"the download from someone/{NAMES[0]} took longer than 3 s")
        assert {request.split("/")[2] for request in hub.requests if "/resolve/" in request} == {NAMES[0]}


def test_when_the_hub_is_back_a_restart_is_enough(hub: HubOnLoopback, tmp_path: Path) -> None:
    entries = catalogue()
    pushed = ["pcam-ensemble", "pcam-efficientnet-lite0", "chest-xray-ensemble"]
    commits = {name: hub.put_repo(f"someone/{name}", bundled_files(entries[name])) for name in pushed}
    hub.fail(500)
    assert_all_bundled(start(hub.client_environment(tmp_path)), "status 500")
    hub.recover()
    sources = start(hub.client_environment(tmp_path))
    assert {source["name"]: source["revision"] for source in sources if source["origin"] == "hub"} == commits
    assert all((source["note"] is None) == (source["origin"] == "hub") for source in sources)


def test_a_pinned_commit_in_the_cache_needs_no_network(hub: HubOnLoopback, tmp_path: Path) -> None:
    entry = catalogue()["chest-xray-efficientnet-lite0"]
    commit = hub.put_repo(f"someone/{entry.name}", bundled_files(entry))
    code = f"""
import dataclasses, sys
from overread.catalogue import catalogue
from overread.hub import locate
entry = dataclasses.replace(catalogue()[{entry.name!r}], revision={commit!r})
print(locate(entry, "someone").origin)
"""
    for expected_requests in (True, False):
        hub.requests.clear()
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=hub.client_environment(tmp_path),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=BOUND,
        )
        assert done.stdout.strip() == "hub", done.stderr
        assert bool(hub.requests) == expected_requests


def test_the_hub_is_probed_once_for_all_models() -> None:
    probes: list[int] = []

    def down() -> str:
        probes.append(1)
        return "the Hub is down"

    hub = Hub(down)
    notes = {locate(entry, "someone", hub).note for entry in catalogue().values()}
    assert notes == {f"{name}: the Hub is down; the bundled model answers." for name in NAMES}
    assert len(probes) == 1


@pytest.mark.parametrize(
    ("namespace", "words"),
    [
        (None, "is not on this machine: set OVERREAD_HUB_NAMESPACE"),
        ("someone", "cannot be loaded: the Hub is down, and this installation bundles no copy; check the connection"),
    ],
)
def test_without_a_bundled_folder_one_sentence_says_what_to_set(namespace: str | None, words: str) -> None:
    unbundled = CatalogueEntry("net-of-nobody", "chest-xray", COMMIT, {"config.json": "0" * 64})
    with pytest.raises(ModelFolderError, match=words) as caught:
        locate(unbundled, namespace, Hub(lambda: "the Hub is down"))
    assert "\n" not in str(caught.value)


def test_a_time_limit_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_HUB_SECONDS", "soon")
    hub = Hub(lambda: None)
    with pytest.raises((ModelFolderError, DownloadError), match="must be a number of seconds, not 'soon'"):
        hub.folder(catalogue()["pcam-resnet18"], "someone/pcam-resnet18")


def bundled_files(entry: CatalogueEntry) -> dict[str, bytes]:
    return {file: (entry.bundled_folder / file).read_bytes() for file in entry.sha256}


def config_and_empty_files(entry: CatalogueEntry) -> dict[str, bytes]:
    return dict.fromkeys(entry.sha256, b"") | {"config.json": (entry.bundled_folder / "config.json").read_bytes()}
