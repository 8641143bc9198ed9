"""One tab: the visitor's image and settings to the left, verdict and evidence to the right."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from overread.catalogue import Domain
from overread.evaluation import on_test_split
from overread.service import Service
from ui.domains import DOMAINS
from ui.endpoints import INFERENCE, own_file
from ui.examples import example_of, examples
from ui.received import path_of
from ui.verdict import EMPTY, legend_html, verdict_html

NOTHING = (EMPTY, None, None, None)  # in the place of an answer: verdict, images, probabilities, details
Shown = tuple[str, tuple[Image.Image, Image.Image] | None, dict[str, float] | None, dict[str, Any] | None]


@dataclass(frozen=True)
class Question:
    """What a visitor sets: an image, how it is decided, which model answers."""

    image: gr.Image
    model: gr.Dropdown
    point: gr.Radio
    smooth: gr.Checkbox
    gallery: gr.Gallery

    @property
    def inputs(self) -> list[gr.Image | gr.Dropdown | gr.Radio | gr.Checkbox]:
        """The components whose values make a question, in the order of the handler's arguments."""
        return [self.image, self.model, self.point, self.smooth]


@dataclass(frozen=True)
class Answer:
    """Where an answer is shown."""

    verdict: gr.HTML
    slider: gr.ImageSlider
    legend: gr.HTML
    classes: gr.Label
    details: gr.JSON

    @property
    def outputs(self) -> list[gr.HTML | gr.ImageSlider | gr.Label | gr.JSON]:
        """The components that a new answer fills, in the order of the handler's results."""
        return [self.verdict, self.slider, self.classes, self.details]


def add_tab(service: Service, domain: Domain) -> None:
    """Add the domain's tab to the page."""
    with gr.Tab(DOMAINS[domain].tab, id=domain):
        gr.Markdown(DOMAINS[domain].question)
        with gr.Row():
            with gr.Column(scale=4):
                question = _question(service, domain)
            with gr.Column(scale=6):
                answer = _answer(service, domain)
        _connect(service, domain, question, answer)


def _question(service: Service, domain: Domain) -> Question:
    config, names = service.classifier(domain).config, service.names(domain)
    return Question(
        image=gr.Image(label="Your picture", sources=["upload", "clipboard"], height=300),
        point=gr.Radio(list(config.operating_points), value=config.default_operating_point, label="Decide for"),
        model=gr.Dropdown(names, value=names[0], label="Model"),
        smooth=gr.Checkbox(value=True, label="Smooth heat map (off: the model's own grid)"),
        gallery=gr.Gallery(
            [str(example.path) for example in examples(domain)],
            label="Examples",
            columns=3,
            height=330,
            allow_preview=False,
            object_fit="cover",
            elem_classes="examples",
        ),
    )


def _answer(service: Service, domain: Domain) -> Answer:
    verdict = gr.HTML(EMPTY)
    slider = gr.ImageSlider(
        label="Picture | evidence",
        type="pil",
        max_height=520,
        format="png",
        slider_position=8,  # per cent from the left: the evidence is what a visitor came for
    )
    legend = gr.HTML(legend_html(service.classifier(domain).config))
    classes = gr.Label(label="Class probabilities", num_top_classes=2, show_heading=False)
    with gr.Accordion("Details: model, revision, timing, heat-map grid", open=False):
        details = gr.JSON(show_label=False)
    return Answer(verdict, slider, legend, classes, details)


def _connect(service: Service, domain: Domain, question: Question, answer: Answer) -> None:
    measured = {name: on_test_split(name) for name in service.names(domain)}
    files = [str(example.path) for example in examples(domain)]

    def show(image: dict[str, Any] | None, model: str, point: str, smooth: bool) -> Shown:
        if image is None:
            return NOTHING
        classifier = service.classifier(domain, model)
        prediction = classifier.predict(path_of(image), point, smooth)
        card = verdict_html(prediction, classifier.config, measured[model], example_of(prediction.image_sha256))
        pair = (own_file(prediction.picture), own_file(prediction.overlay))
        return card, pair, prediction.probabilities, prediction.to_json()

    def pick(event: gr.SelectData) -> str:
        return files[event.index]

    def explain(model: str) -> str:
        return legend_html(service.classifier(domain, model).config)

    question.model.change(explain, question.model, answer.legend, queue=False, api_visibility="private")
    question.gallery.select(pick, None, question.image, queue=False, api_visibility="private")
    answered = gr.on(
        [component.change for component in question.inputs],
        show,
        question.inputs,
        answer.outputs,
        concurrency_id=INFERENCE,
        api_visibility="private",
        trigger_mode="always_last",
        preprocess=False,  # the image arrives as a file, as in ui/endpoints.py
    )
    # An older answer must not stay beside an image that could not be read.
    answered.failure(lambda: NOTHING, None, answer.outputs, queue=False, api_visibility="private")
