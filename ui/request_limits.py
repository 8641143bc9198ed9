"""Limits on HTTP requests that Gradio itself does not set, as ASGI middleware."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from overread.errors import ImageTooLargeError, NotAllowedError
from overread.images import MAX_FILE_BYTES
from ui.failures import as_json

# A file of the largest size as base64 text, and as much again as the rest of a request may need.
MAX_BODY_BYTES = MAX_FILE_BYTES * 4 // 3 + 2**20
MAX_SLIDE_BYTES = 256 * 2**20  # of the page's own route for slides, which writes the body to a file as it comes
SLIDE_ROUTE = "/page/slide"


class RequestLimits:
    """Refuses bodies over 43 MB, of a slide over 256 MB, and Gradio's routes that would make the app a proxy.

    These are ``/gradio_api/file=https://...`` and ``/gradio_api/proxy=...``, which serves other Spaces.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an ASGI app."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an allowed request on; answer 403 or 413 to the others."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        _, marker, target = scope["path"].partition("/file=")
        is_link = marker and "://" in target.replace(":/", "://")  # some servers and proxies join double slashes
        if is_link or "/proxy=" in scope["path"]:
            refused = JSONResponse(as_json(NotAllowedError("Links are not served here.")), 403)
            return await refused(scope, receive, send)
        is_slide = scope["path"].endswith(SLIDE_ROUTE)
        most = MAX_SLIDE_BYTES if is_slide else MAX_BODY_BYTES
        refused_size = self._too_large(MAX_SLIDE_BYTES if is_slide else MAX_FILE_BYTES)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > most:
            return await refused_size(scope, receive, send)
        received, started, too_large = 0, False, False

        async def counted() -> Message:
            nonlocal received, too_large
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:  # sent in chunks, without a declared length
                too_large = True
                return {"type": "http.disconnect"}
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            if too_large and not started:
                return
            started = True
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except Exception:
            if not too_large:
                raise
        if too_large and not started:
            await refused_size(scope, receive, send)

    @staticmethod
    def _too_large(limit: int) -> JSONResponse:
        error = ImageTooLargeError(f"The request is too large: a picture may have {limit // 2**20} MB.")
        return JSONResponse(as_json(error), 413)
