"""The whole page: title, one tab for each domain, About, footer, and the API endpoints."""

from pathlib import Path

import gradio as gr

from overread.prediction import DISCLAIMER
from overread.service import Service
from ui.about import about_markdown
from ui.api_reference import answer_fields, documented
from ui.blocks import Page
from ui.domains import DOMAINS
from ui.endpoints import add_endpoint, add_list_of_models
from ui.tab import add_tab

CONCURRENT_REQUESTS = 2  # each runs a session with its own threads; more would only wait for the same cores
WAITING_REQUESTS = 64
CLEAN_UP = (600, 3600)  # seconds: every ten minutes, uploads and answers older than an hour are deleted
STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
THEME = gr.themes.Soft(
    primary_hue="cyan",
    font=["system-ui", "sans-serif"],  # of the system: nothing is fetched from a font server
    font_mono=["ui-monospace", "monospace"],
)
TITLE = "Overread: a second reading, with its evidence"
INTRODUCTION = """# Overread
A second reading of a medical image: what the model says, how sure it is, and where it looks."""


def build(service: Service) -> gr.Blocks:
    """Return the app around loaded models."""
    with Page(title=TITLE, delete_cache=CLEAN_UP) as page:
        gr.Markdown(INTRODUCTION)
        for domain in DOMAINS:
            add_tab(service, domain)
        with gr.Tab("About", id="about"):
            gr.Markdown(about_markdown())
        gr.Markdown(_footer(service))
        for domain in DOMAINS:
            add_endpoint(service, domain)
        add_list_of_models(service)
    page.documented, page.answer = documented(service), answer_fields()
    return page.queue(default_concurrency_limit=CONCURRENT_REQUESTS, max_size=WAITING_REQUESTS)


def _footer(service: Service) -> str:
    """The disclaimer, what is loaded, and a sentence for each model that does not come from where it should."""
    running = " · ".join(
        f"{model['name']} (revision {model['revision'][:12]}, file {model['sha256'][:12]})"
        for model in service.describe()
    )
    return "\n\n".join([f"**{DISCLAIMER}** Running: {running}", *service.notes()])
