"""Downloads an image from a link that a caller sent, with protection against server-side request forgery (SSRF).

The risk is a link to an address that only this server can reach, such as a cloud metadata service. So only https on
port 443 (or hosts and ports that the owner lists) is read, every address that the name resolves to must be public, the
connection goes to the address that was checked (a second look-up could give another one: DNS rebinding), each redirect
is checked as the first link was, and size and time are limited (OWASP, Server-Side Request Forgery Prevention).
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Collection
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from overread.errors import ImageTooLargeError, NotAllowedError, SourceError
from overread.images import MAX_FILE_BYTES

HTTPS_PORT = 443
SECONDS = 10.0
REDIRECTS = (301, 302, 303, 307, 308)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address, private ones too, as a public IPv6 address

Resolve = Callable[..., list[tuple[Any, ...]]]
Connect = Callable[[tuple[str, int], float], socket.socket]


def fetch(
    url: str,
    allowed_hosts: Collection[str] | None = None,
    *,
    redirects: int = 0,
    resolve: Resolve = socket.getaddrinfo,
    connect: Connect = socket.create_connection,
    tls: ssl.SSLContext | None = None,
    max_bytes: int = MAX_FILE_BYTES,
    seconds: float = SECONDS,
) -> bytes:
    """Return the bytes behind an https link.

    Args:
        url: the link.
        allowed_hosts: such as "example.org" or "example.org:8443", in lower case; None for any public host on port 443.
        redirects: how many are followed; each must pass the same checks.
        resolve: looks up a name, as ``socket.getaddrinfo`` does.
        connect: opens a connection, as ``socket.create_connection`` does.
        tls: verifies the server; default: the system's certificates.
        max_bytes: longest body that is accepted.
        seconds: for everything after the first look-up (the system's resolver has its own limit).

    Raises:
        NotAllowedError: the link leads where nothing is read from.
        SourceError: nothing can be read there.
        ImageTooLargeError: the body is longer than ``max_bytes``.
    """
    deadline = monotonic() + seconds
    for _ in range(redirects + 1):
        parts, host, port = _checked(url, allowed_hosts)
        address = _public_address(host, port, resolve)
        body, moved_to = _download(parts, host, port, address, connect, tls, max_bytes, deadline - monotonic())
        if moved_to is None:
            return body
        url = urljoin(url, moved_to)
    limit = "redirects are not followed" if redirects == 0 else f"more than {redirects} redirects are not followed"
    raise SourceError(f"{host} redirects to another address: {limit}.")


def _download(
    parts: SplitResult,
    host: str,
    port: int,
    address: str,
    connect: Connect,
    tls: ssl.SSLContext | None,
    max_bytes: int,
    seconds: float,
) -> tuple[bytes, str | None]:
    """Return the body and None, or nothing and the address to which the server redirects."""
    if seconds <= 0:
        raise SourceError(_too_slow(host))
    late = threading.Event()
    try:
        with connect((address, port), seconds) as plain:
            # A server that sends one byte a second never runs into a time limit per read: end the connection instead.
            timer = threading.Timer(seconds, _hang_up, [plain, late])
            timer.daemon = True
            timer.start()
            try:
                context = tls or ssl.create_default_context()
                with context.wrap_socket(plain.dup(), server_hostname=host) as secure:
                    found = _get(secure, host, port, parts, max_bytes)
            finally:
                timer.cancel()
    except ssl.SSLCertVerificationError as error:
        raise SourceError(f"The certificate of {host} cannot be verified.") from error
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(_too_slow(host) if late.is_set() else f"The picture cannot be read from {host}.") from error
    if late.is_set():  # a body without a declared length just ends
        raise SourceError(_too_slow(host))
    return found


def _checked(url: str, allowed_hosts: Collection[str] | None) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or HTTPS_PORT
    except ValueError as error:
        raise SourceError("The link is no valid URL.") from error
    if allowed_hosts is not None and not allowed_hosts:
        raise NotAllowedError("Links are not read here: send the picture itself.")
    if parts.scheme != "https" or not host:
        raise NotAllowedError("Only https links are read.")
    if parts.username is not None or parts.password is not None:
        raise NotAllowedError("A link with a user name or password is not read.")
    if allowed_hosts is None and port != HTTPS_PORT:
        raise NotAllowedError("Only https links on port 443 are read.")
    if allowed_hosts is not None and (host if port == HTTPS_PORT else f"{host}:{port}") not in allowed_hosts:
        raise NotAllowedError("Links to that host are not read here: send the picture itself.")
    return parts, host, port


def _public_address(host: str, port: int, resolve: Resolve) -> str:
    """Return the address to connect to; one that is not public among several refuses them all."""
    try:
        found = [str(entry[4][0]) for entry in resolve(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise SourceError(f"There is no host {host}.") from error
    if not found or not all(map(is_public, found)):
        raise NotAllowedError("That host's address is not a public one.")
    return found[0]


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the open internet: not private, loopback, link-local, multicast, ...

    IPv6 addresses that carry an IPv4 one (mapped, NAT64, 6to4, Teredo) are no way around the check.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # such as an IPv6 address with a zone: link-local
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip.teredo or ip in _NAT64):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _get(secure: ssl.SSLSocket, host: str, port: int, parts: SplitResult, max_bytes: int) -> tuple[bytes, str | None]:
    connection = http.client.HTTPSConnection(host, port)
    connection.sock = secure
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", target, headers={"Accept": "image/*, application/dicom", "User-Agent": "overread"})
    except (ValueError, UnicodeError) as error:  # spaces or control characters, or letters that want percent-encoding
        raise SourceError("The link is no valid URL.") from error
    response = connection.getresponse()
    if response.status in REDIRECTS and (location := response.getheader("Location")):
        return b"", location
    if response.status != 200:
        raise SourceError(f"{host} answered with status {response.status}.")
    declared = response.length  # None if the server does not say
    if declared is None or declared <= max_bytes:
        body = response.read(max_bytes + 1)
        if declared is not None and len(body) < declared:
            raise http.client.IncompleteRead(body, declared - len(body))
        if len(body) <= max_bytes:
            return body, None
    raise ImageTooLargeError(f"The file is larger than {max_bytes // 2**20} MB: send a smaller one.")


def _hang_up(connection: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):  # it may have ended just now
        connection.shutdown(socket.SHUT_RDWR)


def _too_slow(host: str) -> str:
    return f"{host} took too long to send the picture."
