"""What a link to the page shows elsewhere: our title, summary and picture in place of Gradio's."""

import os
import re
from html import escape

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from overread.prediction import DISCLAIMER

TITLE = "Overread: a second reading, with its evidence"
SUMMARY = "A second reading of a medical image: what the model says, how sure it is, and where it looks."
_TAG = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')


def share_tags() -> str:
    """Return the tags; the picture needs an absolute address, which a Space knows from ``SPACE_HOST``."""
    summary = f"{SUMMARY} {DISCLAIMER}"
    tags = {"og:type": "website", "og:site_name": "Overread", "og:title": TITLE, "og:description": summary}
    if host := os.environ.get("SPACE_HOST"):
        tags["og:url"] = f"https://{host}/"
        tags["og:image"] = f"https://{host}/web/share.jpg"
    metas = "".join(f'<meta property="{name}" content="{escape(text)}">' for name, text in tags.items())
    card = "summary_large_image" if "og:image" in tags else "summary"
    return f'<meta name="description" content="{escape(summary)}"><meta name="twitter:card" content="{card}">{metas}'


class ShareTags:
    """ASGI middleware that replaces the tags in the page itself: whoever reads them runs no script."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an ASGI app."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Change the answer to a GET of the page and pass everything else on."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            return await self.app(scope, receive, send)
        start: Message = {}
        body = b""

        async def changed(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            page = _TAG.sub(b"", body).replace(b"<head>", b"<head>" + share_tags().encode(), 1)
            MutableHeaders(scope=start)["content-length"] = str(len(page))
            await send(start)
            await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, changed)
