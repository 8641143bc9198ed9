"""The About tab: the text of about.md around what the evaluation script measured, and which files are running."""

from pathlib import Path

from markdown_it import MarkdownIt

from overread.reported_figures import summary_table
from overread.service import Service
from ui.domains import DOMAINS

ABOUT = Path(__file__).with_name("about.md")
# A table that is wider than a phone scrolls by itself, and must then be reachable by keyboard.
TABLE = '<div class="wide" tabindex="0" role="group" aria-label="Table, scrolls sideways"><table>'
# The snippets of about.md name the address of `make run`; a visitor sees the one the page was opened at.
LOCAL_ADDRESS = "http://127.0.0.1:7860"
OWN_ADDRESS = f"""
const root = (window.gradio_config?.root ?? location.origin + location.pathname).replace(/\\/$/, "");
for (const code of element.querySelectorAll("code")) {{
  code.textContent = code.textContent.replaceAll("{LOCAL_ADDRESS}", root);
}}
"""


def about_html(service: Service) -> str:
    """Return the page as HTML, with test figures, what the models learned from, and which files are loaded."""
    text = ABOUT.read_text(encoding="utf-8")
    learned_from = "\n".join(f"- **{words.tab}** learned from {words.learned_from}" for words in DOMAINS.values())
    text = text.replace("{figures}", summary_table()).replace("{running}", running_table(service))
    text = text.replace("{learned_from}", learned_from)
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return f'<div class="about">{html.replace("<table>", TABLE).replace("</table>", "</table></div>")}</div>'


def running_table(service: Service) -> str:
    """Return one row per loaded model: revision, digest and where it came from."""
    rows = [
        f"| {model['name']} | {model['title']}: {model['summary']} | {model['revision'][:12]} "
        f"| {model['sha256'][:12]} | {model['source']} |"
        for model in service.describe()
    ]
    return "\n".join(["| Model | What it is | Revision | SHA-256 of the file | From |", "|---|---|---|---|---|", *rows])
