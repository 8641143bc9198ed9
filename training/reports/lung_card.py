"""The card of the lung net, rendered from its folder's JSON files."""

import json
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from overread.reported_figures import EVALUATION_FILE, interval
from training.data.data_sets import CHEST_XRAY_PNEUMONIA
from training.measure.training_record import TRAINING_FILE

CARD_FILE = "README.md"
TEMPLATE = Path(__file__).parent / "templates" / "lung_card.md.j2"


def write_lung_card(folder: Path) -> Path:
    """Return the card of the lung net's folder, ``README.md``, written anew."""
    file = folder / CARD_FILE
    file.write_text(render_lung_card(folder), encoding="utf-8")
    return file


def render_lung_card(folder: Path) -> str:
    """Return the card of a lung net's folder.

    Args:
        folder: with ``evaluation.json`` and ``training.json``.
    """
    evaluation, training = (
        json.loads((folder / file).read_text(encoding="utf-8")) for file in (EVALUATION_FILE, TRAINING_FILE)
    )
    splits = evaluation["splits"]
    test = splits["test"]
    parts = {
        "test": test,
        **{f"test, {label}": test[label] for label in CHEST_XRAY_PNEUMONIA.labels},
        **{name: values for name, values in splits.items() if name != "test"},
    }
    card = ModelCard.from_template(
        ModelCardData(
            license="apache-2.0",
            library_name="onnx",
            pipeline_tag="image-segmentation",
            datasets=[CHEST_XRAY_PNEUMONIA.dataset],
            metrics=["dice", "iou"],
            tags=["onnx", "medical", "chest-x-ray", "lungs", "from-scratch"],
            model_name=folder.name,
            eval_results=[
                EvalResult(
                    task_type="image-segmentation",
                    dataset_type=CHEST_XRAY_PNEUMONIA.dataset,
                    dataset_name=f"{CHEST_XRAY_PNEUMONIA.dataset} ({test['films']} test films with masks of V7 Labs)",
                    dataset_split=CHEST_XRAY_PNEUMONIA.test_split,
                    metric_type=key,
                    metric_name=title,
                    metric_value=round(test[key]["value"], 4),
                )
                for key, title in (("dice", "Dice"), ("iou", "IoU"))
            ],
        ),
        template_path=str(TEMPLATE),
        name=folder.name,
        evaluation=evaluation,
        parts=parts,
        interval=interval,
        epochs=len(training["epochs"]),
        train_films=f"{training['train_films']:,}",
        validation_films=training["validation_films"],
    )
    return f"{str(card).rstrip()}\n"
