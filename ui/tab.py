"""One tab as HTML: the workbench of ui/web/, filled with what a domain offers."""

import base64
import io
import json
from html import escape
from pathlib import Path
from string import Template

import gradio as gr
from PIL import Image

from overread.catalogue import Domain
from overread.classifier import UNGUARDED
from overread.domain_text import api_name
from overread.images import MAX_FILE_BYTES, READABLE
from overread.service import Service
from ui.domains import DOMAINS
from ui.examples import Example, examples
from ui.request_limits import MAX_SLIDE_BYTES

TEMPLATE = Path(__file__).with_name("web") / "workbench.html"
THUMBNAIL = 144  # pixels, for 72 on a screen with twice as many
DEFAULT_PREVALENCE = 10  # of 100: a guess, since nobody's hospital is known; half, as in a test split, is no hospital's
SLIDES = f"; whole-slide files up to {MAX_SLIDE_BYTES // 2**20} MB"
PRIVACY = '<p class="privacy">Never stored, never logged, no cookies.</p>'
PRIVACY_OF_SLIDES = (
    '<details class="privacy"><summary>Never logged, no cookies. What is kept?</summary>'
    "Patches are read in memory and not stored. A file of more than 64 kB, which may be a field or a slide, lies in a "
    "temporary folder under a random key until you take another or leave, for an hour at most.</details>"
)
MOUNT = """
const root = (window.gradio_config?.root ?? location.origin + location.pathname).replace(/\\/$/, "");
import(`${root}/web/workbench.js`).then(({ mount }) => mount(element.querySelector(".workbench")));
"""


def add_tab(service: Service, domain: Domain) -> None:
    """Add the domain's tab to the page."""
    with gr.Tab(DOMAINS[domain].tab, id=domain):
        gr.HTML(workbench_html(service, domain), js_on_load=MOUNT, apply_default_css=False)


def workbench_html(service: Service, domain: Domain) -> str:
    """Return the tab before its first answer."""
    words, config = DOMAINS[domain], service.classifier(domain).config
    models = [_model(service, domain, name) for name in service.names(domain)]
    region = config.region
    centre = region and (
        f"<p>The white square is the centre {region.labelled_centre_px} x {region.labelled_centre_px} px: only tumour "
        "in there counts for the label.</p>"
    )
    settings = {
        "domain": domain,
        "endpoint": api_name(domain),
        "finding": config.finding,
        "models": models,
        "examples": [{"file": example.file} for example in examples(domain)],
        "tabs": {name: text.tab for name, text in DOMAINS.items()},
        "first": next(iter(DOMAINS)),
        "scans": region is not None,
    }
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        tab=escape(words.tab),
        config=escape(json.dumps(settings)),
        question=escape(words.question if service.classifier(domain).guard else f"{words.question} {UNGUARDED}"),
        finding=escape(config.finding),
        domain=domain,
        formats=f"{READABLE}, up to {MAX_FILE_BYTES // 2**20} MB{SLIDES if region else ''}",
        privacy=PRIVACY_OF_SLIDES if region else PRIVACY,
        thumbnails="".join(_thumbnail(number, example) for number, example in enumerate(examples(domain))),
        empty='<div class="verdict empty"><p>The answer appears here.</p></div>',
        models="".join(
            f'<option value="{escape(model["name"])}">{escape(model["title"])}</option>' for model in models
        ),
        points="".join(
            f'<option value="{escape(name)}">at {escape(name)} ({100 * point.threshold:.0f} %)</option>'
            for name, point in config.operating_points.items()
        ),
        prevalence=str(DEFAULT_PREVALENCE),
        centre=centre or "",
    )


def _model(service: Service, domain: Domain, name: str) -> dict[str, str]:
    """What the page says of a model where one is chosen; the name serves as title where it has none."""
    config = service.classifier(domain, name).config
    return {"name": name, "title": config.title or name, "summary": config.summary}


def _thumbnail(number: int, example: Example) -> str:
    return (
        f'<button type="button" class="thumb" data-example="{number}" aria-pressed="false">'
        f'<img src="{_small(example.path)}" alt="Example {number + 1}" width="72" height="72"></button>'
    )


def _small(path: Path) -> str:
    """Return a square thumbnail as a data URL, so that the strip needs no further request."""
    with Image.open(path) as image:
        image.draft("RGB", (THUMBNAIL, THUMBNAIL))
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.convert("RGB").resize(
            (THUMBNAIL, THUMBNAIL), box=(left, top, left + side, top + side), reducing_gap=2.0
        )
    buffer = io.BytesIO()
    square.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
