"""The API endpoints: one for each domain, made by one factory, and the list of models."""

import uuid
from typing import Any

import gradio as gr
from gradio.events import api
from PIL import Image

from overread.catalogue import Domain
from overread.domain_text import api_name
from overread.prediction import DISCLAIMER
from overread.service import Service
from ui.domains import task
from ui.received_images import path_of
from ui.turns import Turns


def own_file(image: Image.Image) -> Image.Image:
    """Return the image with a comment of its own in place of whatever the visitor's file said about itself.

    Gradio names a file by its bytes and writes it again for every answer: while one visitor downloads it, an equal
    answer to another would cut it short. No two images are equal with this comment.
    """
    marked = image.copy()
    marked.info = {"Comment": f"Overread {uuid.uuid4().hex}. {DISCLAIMER}"}
    return marked


def add_endpoint(service: Service, domain: Domain, turns: Turns) -> None:
    """Add the domain's endpoint to the page, with inputs of its own, so that a client needs none of the layout."""

    async def answer(
        image: dict[str, Any] | None,
        operating_point: str = "",
        model: str = "",
        smooth: bool = True,
        answer_anyway: bool = False,
        mpp: float = 0,
        squash: bool = False,
    ) -> tuple[dict[str, Any], Image.Image]:
        def work() -> tuple[dict[str, Any], Image.Image]:
            classifier = service.classifier(domain, model)
            prediction = classifier.predict(
                path_of(image), operating_point or None, smooth, answer_anyway, mpp=mpp or None, squash=squash
            )
            overlay = own_file(prediction.overlay)
            return prediction.to_json(), overlay

        return await turns.run(work)

    points = ["", *service.classifier(domain).config.operating_points]
    with gr.Row(visible=False):
        inputs = [
            gr.Image(label="image"),
            gr.Dropdown(points, value="", label="operating_point"),  # a value, though empty, makes an argument optional
            gr.Dropdown(["", *service.names(domain)], value="", label="model"),
            gr.Checkbox(True, label="smooth"),
            gr.Checkbox(False, label="answer_anyway"),
        ]
        if service.classifier(domain).config.region:
            inputs += [gr.Number(0, label="mpp"), gr.Checkbox(False, label="squash")]
        outputs = [gr.JSON(label="answer"), gr.Image(label="overlay", format="png")]
        # Without Gradio's preprocessing the function gets the uploaded file as it is, and our decoder explains what is
        # wrong with it: gr.Image would decode it itself, and not DICOM.
        gr.Button().click(
            answer,
            inputs,
            outputs,
            api_name=api_name(domain),
            api_description=f"{task(service, domain)} {DISCLAIMER}",
            concurrency_limit=None,  # Gradio would count a link's download too; ``turns`` limits what computes
            preprocess=False,
        )


def add_list_of_models(service: Service) -> None:
    """Add the endpoint ``/models``."""

    def list_models() -> list[dict[str, Any]]:
        """Lists the loaded models, with revision, digest and operating points."""
        return service.describe()

    api(list_models, api_name="models")
