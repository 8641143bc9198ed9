"""The whole page: title, one tab for each domain, About, footer, and the API endpoints."""

from html import escape
from pathlib import Path

import gradio as gr

from overread.prediction import DISCLAIMER
from overread.service import Service
from ui.about import OWN_ADDRESS, about_html
from ui.api_reference import documented, returned
from ui.blocks import Page
from ui.domains import DOMAINS
from ui.endpoints import add_endpoint, add_list_of_models
from ui.fields import Fields
from ui.scan_endpoint import add_scan_endpoint
from ui.share_tags import SUMMARY, TITLE
from ui.tab import add_tab
from ui.turns import CONCURRENT, MAX_WAITING, Turns

CLEAN_UP = (600, 3600)  # seconds: every ten minutes, uploads and answers older than an hour are deleted
WEB = Path(__file__).with_name("web")
STYLE = "\n".join(file.read_text(encoding="utf-8") for file in sorted(WEB.glob("*.css")))
FAVICON = WEB / "favicon.png"
THEME = gr.themes.Soft(
    primary_hue="cyan",
    font=["system-ui", "sans-serif"],  # of the system: nothing is fetched from a font server
    font_mono=["ui-monospace", "monospace"],
)


def build(service: Service, turns: Turns | None = None) -> gr.Blocks:
    """Return the app around loaded models; its endpoints compute when it is their turn."""
    turns = turns or Turns()
    with Page(title=TITLE, delete_cache=CLEAN_UP, fill_width=True) as page:
        gr.HTML(f'<header class="masthead"><h1>Overread</h1><p>{SUMMARY}</p></header>', js_on_load=None)
        for domain in DOMAINS:
            add_tab(service, domain)
        with gr.Tab("About", id="about"):
            gr.HTML(about_html(service), js_on_load=OWN_ADDRESS, apply_default_css=False)
        gr.HTML(_footer(service), js_on_load=None)
        for domain in DOMAINS:
            add_endpoint(service, domain, turns)
        add_scan_endpoint(service, Fields(service))
        add_list_of_models(service)
    page.documented, page.returned = documented(service), returned()
    return page.queue(default_concurrency_limit=CONCURRENT, max_size=MAX_WAITING)


def _footer(service: Service) -> str:
    """One line, and a sentence for each model that does not come from where it should."""
    notes = "".join(f"<br>{escape(note)}" for note in service.notes())
    links = '<a href="?view=api">Use via API</a> · <a href="llms.txt">API reference</a>'
    return f'<p class="foot"><b>{DISCLAIMER}</b> {links}{notes}</p>'
