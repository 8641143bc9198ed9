"""The model card, rendered from a model folder's JSON files and its siblings' predictions; every figure is measured."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard

from overread.deploy.models import OWN_NAMESPACE
from overread.model_folder import CONFIG_FILE, OperatingPoint, read_config
from overread.reported_figures import EVALUATION_FILE, interval
from training.data.data_sets import Source
from training.measure.comparisons import Comparison, compare_with_others
from training.measure.guard_evaluation import GUARD_EVALUATION_FILE
from training.measure.predictions import Predictions, read_predictions
from training.measure.selective import risk_coverage, three_answers
from training.measure.training_record import StageRecord, TrainingRecord, read_record
from training.methods.weight_compression import EXPORT_FILE
from training.recipes.nets import DOMAINS
from training.reports.card_metadata import describe_test_images, is_subset, metadata
from training.reports.film_section import (
    cropping_section,
    external_points_section,
    external_section,
    half_films_section,
    lungs_section,
    resampling_section,
)
from training.reports.guard_section import guard_section, three_answers_section
from training.reports.labels_section import RESULT, labels_section
from training.reports.snippets import javascript_snippets, snippets

CARD_FILE = "README.md"
TEMPLATE = Path(__file__).parent / "templates" / "model_card.md.j2"
SOURCES = {domain.source.dataset: domain.source for domain in DOMAINS.values()}
GAME_TITLES = {
    "surest": "the most confident correct images, as in the paper",
    "pytorch_grad_cam": "the same images, the default map of `pytorch_grad_cam` on the same net",
    "any": "randomly drawn images (the score also reflects classification errors)",
}


def write_card(folder: Path) -> Path:
    """Return the card of a model folder, ``README.md``, written anew."""
    file = folder / CARD_FILE
    file.write_text(render_card(folder), encoding="utf-8")
    return file


def render_card(folder: Path) -> str:
    """Return the card of an evaluated model folder.

    Args:
        folder: with ``config.json``, ``evaluation.json``, ``predictions.csv`` and, of a net, ``training.json`` and
            ``export.json``; ``guard_evaluation.json`` where the model has a guard. Models of the same data set in the
            folders beside it are compared with it.

    Raises:
        ModelFolderError: if ``predictions.csv`` or ``training.json`` is missing.
    """
    config, evaluation = _read(folder / CONFIG_FILE), _read(folder / EVALUATION_FILE)
    name, source, ours = folder.name, SOURCES[evaluation["dataset"]], config["overread"]
    ensemble = ours.get("ensemble")
    nets = [read_record(folder.parent / member) for member in (ensemble["members"] if ensemble else [name])]
    config_of_model, on_test = read_config(folder), read_predictions(folder)["test"]
    details = {} if ensemble else _details_of_net(nets[0], config, folder)
    card = ModelCard.from_template(
        metadata(name, source, nets, config, evaluation),
        template_path=str(TEMPLATE),
        name=name,
        source=source,
        evaluation=evaluation,
        calibration=ours["calibration"],
        chosen_on=ours["calibration"]["split"].replace("damaged", "corrupted"),
        default_point=ours["default_operating_point"],
        ensemble=ensemble,
        summary=_summary(source, ensemble),
        test_images=f"Measured on `{source.dataset}` ({describe_test_images(source, evaluation)})",
        parts=_parts(evaluation),
        game_titles=GAME_TITLES,
        mosaic_nets=[f"`{net.model}`" for net in nets if any(stage.mosaic_share for stage in net.stages)],
        comparisons=comparisons_of(folder, evaluation),
        constant=constant_note(on_test, config_of_model.heatmap.bias, config_of_model.operating_point(None)),
        three_answers=three_answers_section(source.finding, three_answers_of(folder)),
        guard=guard_section(_read(folder / GUARD_EVALUATION_FILE)) if (folder / GUARD_EVALUATION_FILE).exists() else "",
        data_rows=_data_rows(source, evaluation, nets),
        second=_second_hospital(source, evaluation),
        subset=is_subset(source, evaluation),
        views=_listed(ensemble["views"]) if ensemble else "",
        snippets=snippets(name, source.domain, is_ensemble=ensemble is not None),
        javascript={} if ensemble else javascript_snippets(name),
        labels_curve=labels_section(_read(folder / RESULT)) if (folder / RESULT).exists() else "",
        namespace=OWN_NAMESPACE,
        interval=interval,
        stage_notes=stage_notes,
        **_film_sections(evaluation, ours["default_operating_point"]),
        **details,
    )
    return str(card).rstrip() + "\n"


def comparisons_of(folder: Path, evaluation: dict[str, Any]) -> list[Comparison]:
    """Return how an evaluated model compares, on test, with the evaluated models of its data set beside it."""
    on_test: dict[str, Predictions] = {}
    for file in sorted(folder.parent.glob(f"*/{EVALUATION_FILE}")):
        if _read(file)["dataset"] == evaluation["dataset"]:
            on_test[file.parent.name] = read_predictions(file.parent)["test"]
    return compare_with_others(folder.name, on_test)


def three_answers_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the figures of the three answers of an evaluated model, by part of its ``predictions.csv``."""
    config = read_config(folder)
    measured: dict[str, dict[str, Any]] = {}
    threshold = config.operating_point(None).threshold
    for part, made in read_predictions(folder).items():
        measured[part] = {
            **three_answers(made.labels, made.probabilities, config.operating_points),
            **risk_coverage(made.labels, made.log_odds, threshold),
        }
    return measured


def constant_note(predictions: Predictions, constant: float, point: OperatingPoint) -> str:
    """Return in how many positive answers the cells of the map do not speak for the finding, only their constant does.

    Args:
        predictions: on test.
        constant: log-odds that the map's cells are added to.
        point: decides what is positive.
    """
    positive = predictions.log_odds[predictions.probabilities >= point.threshold]
    alone = int((positive <= constant).sum())
    return (
        f"The cells are added to a constant of {constant:+.2f} log-odds. At the {point.name} point "
        f"{len(positive):,} test images are positive; in {alone:,} of them the cells add up to nothing or less, and "
        "the constant decides: there the map shows where less speaks against the finding than elsewhere."
    )


def stage_notes(stage: StageRecord) -> list[str]:
    """Return what is special about a stage of a training, in a few words each."""
    notes = film_notes(stage.films) if stage.films else []
    if stage.random_stride_offset:
        notes.append("a random stride offset per batch (shift-and-stitch)")
    if stage.mosaic_share:
        notes.append(f"{stage.mosaic_share:.0%} of the batches as 2 x 2 mosaics")
    if stage.teacher:
        notes.append(f"{stage.teacher_share:.0%} of the loss from the soft labels of `{stage.teacher}`")
    if stage.soft_labels:
        teachers = _listed([f"`{teacher}`" for teacher in stage.soft_labels])
        notes.append(f"{stage.teacher_share:.0%} of the loss from the mean log-odds of {teachers} on flipped images")
    if stage.random_filters:
        notes.append("random resampling filters")
    if stage.seen_twice:
        notes.append(f"{stage.seen_twice:.0%} of each batch through two filters, whose answers are drawn together")
    if stage.averaged:
        notes.append("weights averaged (SWA)")
    return notes


def film_notes(films: Mapping[str, Any]) -> list[str]:
    """Return what a stage on the films of two hospitals taught besides the label, in a few words each."""
    return [
        f"{films['second_share']:.0%} of the films from the second hospital",
        "evidence outside the lungs adds to the loss",
        f"{films['half_mosaics']:.0%} of the batches as half films, {films['quarter_mosaics']:.0%} as 2 x 2 films",
        f"{films['twice']:.0%} of the batches twice, {'cropped, ' if films.get('placed_twice') else ''}resampled, "
        "sharpened and compressed in two ways, whose answers are drawn together",
        *(["films drawn so that width over height predicts no class"] if films.get("same_proportions") else []),
        "an L2 penalty on the log-odds",
        *(["early layers unchanged"] if films["frozen"] else []),
    ]


def _details_of_net(record: TrainingRecord, config: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {
        "record": record,
        "start": _start(record),
        "storage": _read(folder / EXPORT_FILE)["weight_storage"],
        "size": config["pretrained_cfg"]["input_size"][-1],
        "output_stride": config["model_args"]["output_stride"],
    }


def _second_hospital(source: Source, evaluation: dict[str, Any]) -> str:
    """Return what is to be said of the second source; "" where the model was not calibrated on one."""
    found = evaluation.get("validation_by_stratum", {})
    if not (source.second and found):
        return ""
    second = source.second
    images = sum(measured["images"] for name, measured in found.items() if name != source.dataset)
    return (
        f"The last stages learned from a second hospital, too: `{second.dataset}` (516 films, mostly of adults, with "
        f"text-mined labels; {second.citation}; {second.licence}). {images} of them, by patient, are validation images."
    )


def _summary(source: Source, ensemble: dict[str, Any] | None) -> str:
    what = f"The probability of {source.finding} in an image, and a heat map of the evidence."
    if ensemble is None:
        return (
            f"{what} `onnx/model.onnx` computes calibrated logits and a signed Grad-CAM map in log-odds in one pass; "
            "the cells of the map plus one constant add up to the log-odds."
        )
    members = _listed([f"`{member}`" for member in ensemble["members"]])
    return (
        f"{what} A weighted sum of {members}: of the log-odds and of the signed Grad-CAM maps, so the cells plus one "
        "constant still add up to the log-odds."
    )


def _start(record: TrainingRecord) -> str:
    start = record.started_from
    if start.kind == "random weights":
        return "random weights (no base model)"
    if start.kind == "trained net":
        return f"the trained net of `{start.source}`"
    if (start.source or "").endswith(".safetensors"):
        return f"the weights in `{start.source}`"
    return f"the ImageNet trunk `{start.source}`"


def _parts(evaluation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    parts = dict(evaluation["splits"])
    if "corrupted_validation" in evaluation:
        parts["validation, corrupted"] = evaluation["corrupted_validation"]
    for stratum, measured in evaluation.get("validation_by_stratum", {}).items():
        parts[f"validation, {stratum}"] = measured
    return parts


def _film_sections(evaluation: dict[str, Any], default_point: str) -> dict[str, str]:
    """Return the sections about films, empty where nothing was measured, and the one about resampling."""
    external, lungs, halves, cropping = (
        evaluation.get(key) for key in ("external", "evidence_in_lungs", "half_films", "cropping")
    )
    as_they_are = evaluation["splits"]["test"]["operating_points"][default_point]
    return {
        "external": external_section(external, default_point) if external else "",
        "external_points": external_points_section(external) if external else "",
        "lungs": lungs_section(lungs["test"]) if lungs else "",
        "half_films": half_films_section(halves, evaluation.get("one_sided")) if halves else "",
        "cropping": cropping_section(cropping, as_they_are) if cropping else "",
        "resampling": resampling_section(evaluation["resampling"], evaluation.get("full_size", [])),
    }


def _data_rows(
    source: Source, evaluation: dict[str, Any], nets: Sequence[TrainingRecord]
) -> list[tuple[str, str, str]]:
    validation = evaluation.get("validation_by_stratum", {}).get(source.dataset, evaluation["splits"]["validation"])
    used = {
        "train": " or ".join(f"{images:,}" for images in sorted({net.train_images for net in nets})),
        "validation": f"{validation['images']:,}",
        "test": f"{evaluation['splits']['test']['images']:,}",
    }
    if source.validation_split is None:
        used["validation"] += " of train: an eighth of its patients, who are in no other split"
    published = {split: f"{images:,}" for split, images in source.published.items()}
    return [(split, images, published.get(split, "")) for split, images in used.items()]


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))
