"""The metadata of a model card, as the Hub reads it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from overread.deploy.models import OWN_NAMESPACE
from training.data.data_sets import Source
from training.measure.training_record import TrainingRecord
from training.recipes.nets import RECIPES


def metadata(
    name: str, source: Source, nets: Sequence[TrainingRecord], config: dict[str, Any], evaluation: dict[str, Any]
) -> ModelCardData:
    """Return the card's metadata as the Hub reads it, with a ``model-index`` of what was measured on test.

    Args:
        name: the model.
        source: its data set.
        nets: the training record of the net, or of every member of an ensemble.
        config: ``config.json``.
        evaluation: ``evaluation.json``.
    """
    test = evaluation["splits"]["test"]
    default = test["operating_points"][config["overread"]["default_operating_point"]]
    values = {
        ("roc_auc", "AUC"): test["auc"],
        ("average_precision", "Average precision"): test["average_precision"],
        ("accuracy", "Accuracy"): default["accuracy"],
        ("f1", "F1"): default["f1"],
        ("recall", "Sensitivity"): default["sensitivity"],
        ("specificity", "Specificity"): default["specificity"],
    }
    dataset_name = f"{source.dataset} ({describe_test_images(source, evaluation)})"
    is_ensemble = "ensemble" in config["overread"]
    from_scratch = not is_ensemble and nets[0].started_from.kind == "random weights"
    return ModelCardData(
        license="apache-2.0",
        library_name="onnx" if is_ensemble else "timm",
        pipeline_tag="image-classification",
        datasets=[source.dataset],
        metrics=[key for key, _ in values],
        tags=["onnx", "grad-cam", "medical", *(["from-scratch"] if from_scratch else [])],
        model_name=name,
        eval_results=[
            EvalResult(
                task_type="image-classification",
                dataset_type=source.dataset,
                dataset_name=dataset_name,
                dataset_split=source.test_split,
                metric_type=key,
                metric_name=title,
                metric_value=round(value["value"], 4),
            )
            for (key, title), value in values.items()
        ],
        **_base_models(nets[0], config["overread"].get("ensemble")),
    )


def is_subset(source: Source, evaluation: dict[str, Any]) -> bool:
    """Return whether the model was evaluated on fewer test images than the Hub's data set has."""
    return evaluation["splits"]["test"]["images"] < source.published.get("test", 0)


def describe_test_images(source: Source, evaluation: dict[str, Any]) -> str:
    """Return such as "subset: 1,462 of 32,768 test images, 96 x 96 px, JPEG quality 75"."""
    images, files = evaluation["splits"]["test"]["images"], evaluation["test_files"]
    number = f"all {images:,} test images"
    if is_subset(source, evaluation):
        number = f"subset: {images:,} of {source.published['test']:,} test images"
    described = [number]
    if len(set(files["width"])) == len(set(files["height"])) == 1:
        described.append(f"{files['width'][0]} x {files['height'][0]} px")
    if files["jpeg_quality"]:
        described.append("JPEG quality " + " to ".join(str(quality) for quality in sorted(set(files["jpeg_quality"]))))
    return ", ".join(described)


def _base_model(record: TrainingRecord) -> str | None:
    """Return the Hub repository of the weights that training started from; None for a file that has none, or for none.

    A file in a model folder, ``models/<name>/model.safetensors``, is that model's.
    """
    start = record.started_from
    file = Path(start.source or "")
    if start.kind == "pretrained trunk" and file.suffix == ".safetensors":
        return f"{OWN_NAMESPACE}/{file.parent.name}" if file.parent.name in RECIPES else None
    return f"{OWN_NAMESPACE}/{start.source}" if start.kind == "trained net" else start.source


def _base_models(record: TrainingRecord, ensemble: dict[str, Any] | None) -> dict[str, Any]:
    if ensemble:
        return {
            "base_model": [f"{OWN_NAMESPACE}/{name}" for name in ensemble["members"]],
            "base_model_relation": "merge",
        }
    base = _base_model(record)
    return {"base_model": base, "base_model_relation": "finetune"} if base else {}
