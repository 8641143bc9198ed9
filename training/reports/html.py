"""Pieces of an HTML page that needs no other file: tables, charts, pictures."""

import base64
import io
from collections.abc import Callable, Iterable, Sequence
from html import escape

from matplotlib.figure import Figure
from PIL import Image


def table(head: Iterable[str], rows: Iterable[Iterable[str]], cell: Callable[[str], str] = escape) -> str:
    """Return a table; ``cell`` makes HTML of a cell, by default text that is shown as it is."""
    heads = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def chart(figure: Figure, alt: str, caption: str) -> str:
    """Return the figure as SVG with a caption; ``alt`` is for those who do not see it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    uri = _data_uri("image/svg+xml", buffer.getvalue())
    return f'<figure><img alt="{escape(alt)}" src="{uri}"><figcaption>{escape(caption)}</figcaption></figure>'


def thumbnail(picture: Image.Image, name: str) -> str:
    """Return the picture, its name shown on hover."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=85)
    return f'<img alt="{escape(name)}" title="{escape(name)}" src="{_data_uri("image/webp", buffer.getvalue())}">'


def sentence(start: str, items: Sequence[str]) -> str:
    """Return a sentence that lists the items after ``start``, or nothing if there are none."""
    return f" {start}: {escape(', '.join(items))}." if items else ""


def anchor(title: str) -> str:
    """Return the id under which a section of that title is linked."""
    return title.lower().replace(" ", "-")


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
