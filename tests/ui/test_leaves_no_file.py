"""Ctrl-C and a restart in the middle of requests leave no file of a visitor behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tests.support.running_app import ROOT, free_port
from ui.examples import examples

FILM = examples("chest-xray")[0].path.read_bytes()


def files_in(folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file()}


def half_an_upload(port: int) -> socket.socket:
    """Return a connection on which a form is being sent and will not be finished."""
    connection = socket.create_connection(("127.0.0.1", port))
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="film.jpeg"\r\n\r\n' + FILM + bytes(2**21)
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {2 * len(part)}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    connection.sendall(head.encode() + part)
    return connection


def keep_asking(address: str) -> None:
    with httpx.Client(timeout=60) as client:
        while True:
            try:
                client.post(f"{address}/page/answer", params={"domain": "chest-xray"}, content=FILM)
            except httpx.HTTPError:
                return


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_no_file_is_left(tmp_path: Path, sent: signal.Signals) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(tmp_path / "gradio"),
        "TMPDIR": str(tmp_path),
        "OVERREAD_HUB_NAMESPACE": "",
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job would ignore it
    )
    try:
        assert process.stdout and any(f":{port}" in line for line in process.stdout)
        before = files_in(tmp_path)  # of the libraries
        uploaded = httpx.post(f"{address}/gradio_api/upload", files={"files": FILM}).json()[0]
        httpx.post(f"{address}/gradio_api/call/chest_xray", json={"data": [{"path": uploaded}]}).raise_for_status()
        httpx.post(f"{address}/page/slide", content=FILM, timeout=60)
        asking = [Thread(target=keep_asking, args=[address], daemon=True) for _ in range(4)]
        for thread in asking:
            thread.start()
        with half_an_upload(port):
            deadline = time.monotonic() + 60
            while len(files_in(tmp_path) - before) < 3:
                assert time.monotonic() < deadline, files_in(tmp_path) - before
                time.sleep(0.1)
            process.send_signal(sent)
            process.wait(timeout=60)
    finally:
        process.kill()
    assert files_in(tmp_path) <= before
