"""The Gradio app: `python app.py` serves it on 127.0.0.1:7860, or where GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say.

Layout and wiring only. What is computed is in models/, what is shown as HTML in ui/.
"""

import functools
import logging
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from gradio.data_classes import ImageData
from gradio.events import api
from PIL import Image
from starlette.middleware import Middleware

from overread.catalogue import Domain
from overread.errors import InputError, OverreadError
from overread.evaluation import on_test_split
from overread.images import MAX_FILE_BYTES
from overread.prediction import DISCLAIMER, Prediction
from overread.service import Service
from ui.about import about_markdown
from ui.examples import examples
from ui.received import Page
from ui.request_limits import RequestLimits
from ui.verdict import EMPTY, legend_html, verdict_html

log = logging.getLogger("overread")
P = ParamSpec("P")
R = TypeVar("R")

CONCURRENT_REQUESTS = 2  # each runs a session with its own threads; more would only wait for the same cores
WAITING_REQUESTS = 64
CLEAN_UP = (600, 3600)  # seconds: every ten minutes, uploads and answers older than an hour are deleted
STYLE = Path(__file__).with_name("ui") / "style.css"
THEME = gr.themes.Soft(
    primary_hue="cyan",
    font=["system-ui", "sans-serif"],  # of the system: nothing is fetched from a font server
    font_mono=["ui-monospace", "monospace"],
)
NOTHING = (EMPTY, None, None, None)  # what stands in the place of an answer: card, pictures, probabilities, details
TAB_TEXT: dict[Domain, str] = {
    "histopathology": "**Is there metastatic tumour in the centre of this lymph-node patch?** Give it an H&E patch of "
    "96 x 96 px at about 1 µm/px (10x), as in PatchCamelyon.",
    "chest-xray": "**Does this frontal chest X-ray look like pneumonia?** The model learned from children of one to "
    "five years at one hospital: expect less of it anywhere else.",
}


def image_file(**options: Any) -> gr.Image:
    """Return an image input that hands over the uploaded file's path as it is.

    ``gr.Image`` would decode the file itself and answer a broken one with a traceback; models/ explains what is wrong.
    Set on the instance, since Gradio writes a stub file beside the source of every component class.
    """

    def path_of(payload: ImageData | None) -> str | None:
        return payload.path if payload else None

    component = gr.Image(type="filepath", **options)
    setattr(component, "preprocess", path_of)  # noqa: B010  an assignment would not pass the type checker
    return component


def own_file(picture: Image.Image) -> Image.Image:
    """Return the picture with a comment of its own in place of whatever the visitor's file said about itself.

    Gradio names a file by its bytes and writes it again for every answer: while one visitor downloads it, an equal
    answer to another would cut it short. No two pictures are equal with this comment.
    """
    marked = picture.copy()
    marked.info = {"Comment": f"Overread {uuid.uuid4().hex}. {DISCLAIMER}"}
    return marked


def in_one_sentence(function: Callable[P, R]) -> Callable[P, R]:
    """Turn what the function raises into an error that a visitor, or ``gradio_client``, can read."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except OverreadError as error:
            log.exception("a model failed")
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.exception("unexpected")
            raise gr.Error("Something went wrong on our side: please try again.", print_exception=False) from error

    return wrapped


def build(service: Service) -> gr.Blocks:
    """Return the app around loaded models."""

    def ask(domain: Domain, image: str | None, model: str | None, point: str | None, smooth: bool) -> Prediction:
        if image is None:
            raise InputError("There is no picture: upload or paste one, or pick an example.")
        return service.classifier(domain, model).predict(image, point or None, smooth)

    @in_one_sentence
    def histopathology(
        image: str, operating_point: str = "", model: str = "", smooth: bool = True
    ) -> tuple[dict[str, Any], Image.Image]:
        """Looks for lymph-node metastasis in the centre of an H&E patch (96 x 96 px at 0.97 um/px).

        Args:
            image: the patch, as a file.
            operating_point: "screening", "balanced" or "rule-in"; empty for the model's own choice.
            model: a model's name from list_models; empty for the default.
            smooth: interpolate the heat map; false draws its own grid.

        Returns:
            The calibrated probability, decision and signed heat map as JSON, and the heat map drawn over the picture.
        """
        prediction = ask("histopathology", image, model, operating_point, smooth)
        return prediction.to_json(), own_file(prediction.overlay)

    @in_one_sentence
    def chest_xray(
        image: str, operating_point: str = "", model: str = "", smooth: bool = True
    ) -> tuple[dict[str, Any], Image.Image]:
        """Looks for pneumonia in a frontal chest X-ray.

        Args:
            image: the radiograph, as a file.
            operating_point: "screening", "balanced" or "rule-in"; empty for the model's own choice.
            model: a model's name from list_models; empty for the default.
            smooth: interpolate the heat map; false draws its own grid.

        Returns:
            The calibrated probability, decision and signed heat map as JSON, and the heat map drawn over the picture.
        """
        prediction = ask("chest-xray", image, model, operating_point, smooth)
        return prediction.to_json(), own_file(prediction.overlay)

    def list_models() -> list[dict[str, Any]]:
        """Lists the models that are loaded, with revision, digest and operating points."""
        return service.describe()

    def tab(domain: Domain, endpoint: Callable[..., tuple[dict[str, Any], Image.Image]], api_name: str) -> None:
        config = service.classifier(domain).config
        shown = examples(domain)
        measured = {name: on_test_split(name) for name in service.names(domain)}
        gr.Markdown(TAB_TEXT[domain])
        with gr.Row():
            with gr.Column(scale=4):
                image = image_file(label="Your picture", sources=["upload", "clipboard"], height=300)
                point = gr.Radio(
                    list(config.operating_points), value=config.default_operating_point, label="Decide for"
                )
                model = gr.Dropdown(service.names(domain), value=service.names(domain)[0], label="Model")
                smooth = gr.Checkbox(value=True, label="Smooth heat map (off: the model's own grid)")
                gallery = gr.Gallery(
                    [(example.path, example.caption) for example in shown],
                    label="Examples",
                    columns=2,
                    height=730,
                    allow_preview=False,
                    object_fit="cover",
                    elem_classes="examples",
                )
            with gr.Column(scale=6):
                verdict = gr.HTML(EMPTY)
                slider = gr.ImageSlider(
                    label="Picture | evidence",
                    type="pil",
                    max_height=520,
                    format="png",
                    slider_position=8,  # per cent from the left: the evidence is what a visitor came for
                )
                legend = gr.HTML(legend_html(config))
                classes = gr.Label(label="Class probabilities", num_top_classes=2, show_heading=False)
                with gr.Accordion("Details: model, revision, timing, heat-map grid", open=False):
                    details = gr.JSON(show_label=False)

        @in_one_sentence
        def show(
            image: str | None, model: str, point: str, smooth: bool
        ) -> tuple[str, tuple[Image.Image, Image.Image] | None, dict[str, float] | None, dict[str, Any] | None]:
            if image is None:
                return NOTHING
            answer = ask(domain, image, model, point, smooth)
            card = verdict_html(answer, service.classifier(domain, model).config, measured[model])
            return card, (own_file(answer.picture), own_file(answer.overlay)), answer.probabilities, answer.to_json()

        def pick(event: gr.SelectData) -> str:
            return shown[event.index].path

        def explain(model: str) -> str:
            return legend_html(service.classifier(domain, model).config)

        model.change(explain, model, legend, queue=False, api_visibility="private")
        gallery.select(pick, None, image, queue=False, api_visibility="private")
        shown_answer = [verdict, slider, classes, details]
        answered = gr.on(
            [image.change, model.change, point.change, smooth.change],
            show,
            [image, model, point, smooth],
            shown_answer,
            concurrency_id="inference",
            api_visibility="private",
            trigger_mode="always_last",
        )
        # An older answer must not stay beside a picture that could not be read.
        answered.failure(lambda: NOTHING, None, shown_answer, queue=False, api_visibility="private")
        with gr.Row(visible=False):  # the endpoint's own inputs and outputs, so that a client needs none of the layout
            inputs = [
                image_file(label="image"),
                gr.Textbox("", label="operating_point"),  # a value, though empty, makes an argument optional
                gr.Textbox("", label="model"),
                gr.Checkbox(True, label="smooth"),
            ]
            outputs = [gr.JSON(label="answer"), gr.Image(label="overlay", format="png")]
            gr.Button().click(endpoint, inputs, outputs, api_name=api_name, concurrency_id="inference")

    with Page(title="Overread: a second reading, with its evidence", delete_cache=CLEAN_UP) as demo:
        gr.Markdown(
            "# Overread\nA second reading of a medical image: what the model says, how sure it is, and where it looks."
        )
        with gr.Tab("Histopathology", id="histopathology"):
            tab("histopathology", histopathology, "histopathology")
        with gr.Tab("Chest X-ray", id="chest-xray"):
            tab("chest-xray", chest_xray, "chest_xray")
        with gr.Tab("About", id="about"):
            gr.Markdown(about_markdown())
        running = " · ".join(
            f"{m['name']} (revision {m['revision'][:12]}, file {m['sha256'][:12]})" for m in service.describe()
        )
        gr.Markdown("\n\n".join([f"**{DISCLAIMER}** Running: {running}", *service.notes()]))
        api(list_models, api_name="models")
    return demo.queue(default_concurrency_limit=CONCURRENT_REQUESTS, max_size=WAITING_REQUESTS)


def main() -> None:
    """Load the models, warm them up and serve until stopped."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    build(Service()).launch(
        theme=THEME,
        css=STYLE.read_text(encoding="utf-8"),
        max_file_size=MAX_FILE_BYTES,
        app_kwargs={"middleware": [Middleware(RequestLimits)]},
        max_threads=8,
        mcp_server=True,
        ssr_mode=False,
        footer_links=["api"],
    )


if __name__ == "__main__":
    main()
