"""An HTTP proxy in front of the emulator that passes on one call at a time.

Lambda never gives an execution environment two calls at once. Its emulator does, and then ends with a nil pointer
(aws/aws-lambda-runtime-interface-emulator, issue 97).
"""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CALL_SECONDS = 120.0


class SerialProxy(ThreadingHTTPServer):
    """Forwards POST requests from ``port`` to ``target_port``, both on 127.0.0.1; simultaneous ones wait."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, target_port: int) -> None:
        """Listen; ``serve_forever`` then answers."""
        super().__init__(("127.0.0.1", port), _Forwarder)
        self.target_port = target_port
        self.lock = threading.Lock()


class _Forwarder(BaseHTTPRequestHandler):
    server: SerialProxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Forward the call and its answer; 400 if it is not JSON, 502 if the emulator has ended."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not _is_json(body):
            # Lambda's Invoke API refuses such a payload before it reaches the function; the emulator passes it on.
            self._send(
                400,
                b'{"Type": "User", "message": "Could not parse request body into json: the payload is not JSON."}',
                [("Content-Type", "application/json"), ("x-amzn-ErrorType", "InvalidRequestContentException")],
            )
            return
        target = http.client.HTTPConnection("127.0.0.1", self.server.target_port, timeout=CALL_SECONDS)
        try:
            with self.server.lock:
                target.request("POST", self.path, body, {"Content-Type": "application/json"})
                response = target.getresponse()
                answer, status, headers = response.read(), response.status, response.getheaders()
        except (OSError, http.client.HTTPException):
            answer, status, headers = b'{"message": "The emulator does not answer."}', 502, []
        finally:
            target.close()
        self._send(status, answer, headers)

    def _send(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: the emulator logs every call."""


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
