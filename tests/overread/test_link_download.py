"""A link is read only from public hosts, or hosts that the owner lists, and never from the server's own network."""

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from overread.errors import ImageTooLargeError, NotAllowedError, SourceError
from overread.link_download import fetch, is_public

HOST, PUBLIC = "pictures.example.org", "93.184.215.14"
PIXELS = b"pixels" * 1000
Fetch = Callable[..., bytes]


class Pictures(BaseHTTPRequestHandler):
    """A web server with one image and several kinds of misbehaviour."""

    server: "Server"

    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        """Answer by path."""
        self.seen.append({"path": self.path, "host": self.headers["Host"]})
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "https://169.254.169.254/latest/meta-data/")
            self.end_headers()
        elif self.path.startswith("/hop"):  # /hop3 leads to /hop2, ..., /hop0 to the picture
            left = int(self.path.removeprefix("/hop"))
            self.send_response(307)
            self.send_header("Location", f"/hop{left - 1}" if left else "/x.png")
            self.end_headers()
        elif self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            self.server.asleep.wait(20)
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"\0" * 1000)
        else:
            self.send_response(200 if self.path.startswith("/x.png") else 404)
            length = {"/x.png?cut": len(PIXELS) + 1, "/x.png?vast": 2**40}.get(self.path, len(PIXELS))
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(PIXELS)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """A server that does not print an error when a client closes the connection early."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Pictures)
        self.asleep = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for HOST with its key, in one PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + signed.public_bytes(pem))
    return file


@pytest.fixture(scope="module")
def server(certificate: Path) -> Iterator[Server]:
    """The web server, with TLS, on loopback."""
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.asleep.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def get(server: Server, certificate: Path) -> Fetch:
    """``fetch`` where HOST is the only public host and its address leads to the server above."""

    def connect(address: tuple[str, int], seconds: float) -> socket.socket:
        assert address == (PUBLIC, 443), "the connection must go to the address that was checked"
        return socket.create_connection(("127.0.0.1", server.server_port), seconds)

    tls = ssl.create_default_context(cafile=str(certificate))
    return partial(fetch, allowed_hosts={HOST}, resolve=resolver(PUBLIC), connect=connect, tls=tls)


def resolver(*addresses: str) -> Callable[..., list[tuple[Any, ...]]]:
    """Return a stand-in for ``socket.getaddrinfo`` that answers one look-up and fails on a second."""
    left = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]]
    return lambda host, port, **options: left.pop()


def never(address: tuple[str, int], seconds: float) -> socket.socket:
    """Fail, in place of a connection that must not be made."""
    raise AssertionError(f"connected to {address}")


def test_reads_an_image_from_an_allowed_host(get: Fetch) -> None:
    assert get(f"https://{HOST}/x.png?size=1#top") == PIXELS
    assert Pictures.seen[-1] == {"path": "/x.png?size=1", "host": HOST}


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/x.png",
        f"ftp://{HOST}/x.png",
        "file:///etc/passwd",
        "x.png",
        "https:///x.png",
        "https://elsewhere.example.org/x.png",
        f"https://{HOST}.evil.example/x.png",
        f"https://{HOST}@evil.example/x.png",
        f"https://user:secret@{HOST}/x.png",
        f"https://{HOST}:8443/x.png",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/x.png",
    ],
)
def test_other_links_are_refused_without_a_look_up(url: str) -> None:
    with pytest.raises(NotAllowedError):
        fetch(url, {HOST}, resolve=resolver(), connect=never)


def test_no_link_is_read_if_no_host_is_allowed() -> None:
    with pytest.raises(NotAllowedError, match="Links are not read here"):
        fetch(f"https://{HOST}/x.png", frozenset(), resolve=resolver(), connect=never)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "169.254.170.2"),
        *("100.64.0.1", "100.100.100.200", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "no address"),
    ],
)
def test_refuses_an_allowed_host_whose_address_is_not_public(address: str) -> None:
    assert not is_public(address)
    for found in ((address,), (PUBLIC, address)):
        with pytest.raises(NotAllowedError, match="not a public one"):
            fetch(f"https://{HOST}/x.png", {HOST}, resolve=resolver(*found), connect=never)


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "2606:4700:4700::1111"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_follows_no_redirect(get: Fetch) -> None:
    with pytest.raises(SourceError, match="redirects are not followed"):
        get(f"https://{HOST}/moved")


def test_follows_at_most_the_given_number_of_redirects(get: Fetch) -> None:
    public = partial(get, allowed_hosts=None, resolve=lambda host, port, **options: resolver(PUBLIC)(host, port))
    assert public(f"https://{HOST}/hop1", redirects=2) == PIXELS
    with pytest.raises(SourceError, match="more than 2 redirects"):
        public(f"https://{HOST}/hop2", redirects=2)


def test_a_redirect_to_an_address_that_is_not_public_is_refused(get: Fetch) -> None:
    def resolve(host: str, port: int, **options: object) -> list[tuple[Any, ...]]:
        return resolver(PUBLIC if host == HOST else host)(host, port)

    with pytest.raises(NotAllowedError, match="not a public one"):
        get(f"https://{HOST}/moved", allowed_hosts=None, redirects=3, resolve=resolve)


@pytest.mark.parametrize("url", [f"http://{HOST}/x.png", f"https://{HOST}:8443/x.png", f"https://a:b@{HOST}/x.png"])
def test_if_all_public_hosts_are_allowed_only_https_on_port_443_is_read(url: str) -> None:
    with pytest.raises(NotAllowedError):
        fetch(url, resolve=resolver(PUBLIC), connect=never)


@pytest.mark.parametrize("path", ["/x.png", "/x.png?vast", "/endless"])
def test_stops_at_the_size_limit_with_and_without_a_content_length(get: Fetch, path: str) -> None:
    with pytest.raises(ImageTooLargeError):
        get(f"https://{HOST}{path}", max_bytes=5000)


def test_stops_at_the_time_limit(get: Fetch) -> None:
    with pytest.raises(SourceError, match="too long"):
        get(f"https://{HOST}/slow", seconds=0.3)


def test_a_body_cut_off_is_an_error(get: Fetch) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        get(f"https://{HOST}/x.png?cut")


def test_a_missing_picture_is_an_error_with_its_status(get: Fetch) -> None:
    with pytest.raises(SourceError, match="status 404"):
        get(f"https://{HOST}/none.png")


@pytest.mark.parametrize("path", ["/a b", "/a\x7fb", "/ä"])
def test_a_link_with_unencoded_characters_is_an_error(get: Fetch, path: str) -> None:
    with pytest.raises(SourceError):
        get(f"https://{HOST}{path}")


def test_refuses_a_server_whose_certificate_is_not_trusted(get: Fetch) -> None:
    with pytest.raises(SourceError, match="certificate"):
        get(f"https://{HOST}/x.png", tls=ssl.create_default_context())


def test_a_host_without_an_address_is_an_error() -> None:
    def unknown(*query: object, **options: object) -> list[tuple[Any, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(SourceError, match="There is no host"):
        fetch(f"https://{HOST}/x.png", {HOST}, resolve=unknown, connect=never)
