"""A door in front of the emulator that lets one call in after the other.

Lambda never gives an execution environment two calls at once; its emulator does, and ends with a nil pointer
(aws/aws-lambda-runtime-interface-emulator, issue 97).
"""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CALL_SECONDS = 120.0


class OneAtATime(ThreadingHTTPServer):
    """Relays POST requests from ``port`` to ``target_port``, both on 127.0.0.1; the others wait in the queue."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, target_port: int) -> None:
        """Listen; ``serve_forever`` then answers."""
        super().__init__(("127.0.0.1", port), _Relay)
        self.target_port = target_port
        self.turn = threading.Lock()


class _Relay(BaseHTTPRequestHandler):
    server: OneAtATime
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Wait for the turn, pass the call on, pass the answer back; 502 if the emulator is gone."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = http.client.HTTPConnection("127.0.0.1", self.server.target_port, timeout=CALL_SECONDS)
        try:
            with self.server.turn:
                target.request("POST", self.path, body, {"Content-Type": "application/json"})
                response = target.getresponse()
                answer, status, headers = response.read(), response.status, response.getheaders()
        except (OSError, http.client.HTTPException):
            answer, status, headers = b'{"message": "The emulator does not answer."}', 502, []
        finally:
            target.close()
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the emulator logs every call."""
