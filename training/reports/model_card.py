"""The model card, written from what was measured: no figure in it is typed by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from overread.evaluation import EVALUATION_FILE, summary_table
from overread.model_folder import CONFIG_FILE
from training.export import EXPORT_FILE
from training.methods.distillation import TEACHER_SHARE
from training.methods.mosaic_training import MOSAIC_SHARE
from training.recipes.ensembles import EnsembleRecipe
from training.recipes.nets import RECIPES, Recipe, Stage
from training.reports.card_tables import figures
from training.reports.snippets import how_to_use

FIGURES_BEGIN = "<!-- figures: written by python -m training.evaluate -->"
FIGURES_END = "<!-- end of figures -->"


def write_card(recipe: Recipe | EnsembleRecipe, folder: Path) -> None:
    """Write ``README.md`` into a model folder from its ``config.json``, ``evaluation.json`` and ``export.json``."""
    config, evaluation = (
        json.loads((folder / name).read_text(encoding="utf-8")) for name in (CONFIG_FILE, EVALUATION_FILE)
    )
    made = ensemble_text(recipe, config) if isinstance(recipe, EnsembleRecipe) else net_text(recipe, folder)
    header = yaml.safe_dump(front_matter(recipe, config, evaluation), sort_keys=False, allow_unicode=True)
    blocks = [*opening(recipe), *figures(config, evaluation), *data(recipe), *made, *how_to_use(recipe), *LIMITS]
    (folder / "README.md").write_text(f"---\n{header}---\n\n" + "\n\n".join(blocks) + "\n", encoding="utf-8")


def front_matter(recipe: Recipe | EnsembleRecipe, config: dict[str, Any], evaluation: dict[str, Any]) -> dict[str, Any]:
    """Return the card's metadata as the Hub reads it, with a ``model-index`` of the test split's figures."""
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
    metrics = [{"type": key, "name": name, "value": round(value["value"], 4)} for (key, name), value in values.items()]
    source = recipe.source
    base = {"base_model": recipe.pretrained} if isinstance(recipe, Recipe) and recipe.pretrained else {}
    return {
        "license": "apache-2.0",
        "library_name": "timm" if isinstance(recipe, Recipe) else "onnx",
        "pipeline_tag": "image-classification",
        **base,
        "datasets": [source.dataset],
        "metrics": [key for key, _ in values],
        "tags": ["onnx", "grad-cam", "medical"],
        "model-index": [
            {
                "name": recipe.name,
                "results": [
                    {
                        "task": {"type": "image-classification"},
                        "dataset": {"name": source.dataset, "type": source.dataset, "split": source.test_split},
                        "metrics": metrics,
                    }
                ],
            }
        ],
    }


def opening(recipe: Recipe | EnsembleRecipe) -> list[str]:
    """Return the title, what the model is for and what it is not for."""
    what = "`onnx/model.onnx` computes calibrated logits and a signed Grad-CAM map in log-odds in one pass."
    if isinstance(recipe, EnsembleRecipe):
        *most, last = (f"`{member}`" for member in recipe.members)
        what = (
            f"The mean of {', '.join(most)} and {last}: log-odds and signed Grad-CAM maps are averaged, so the map "
            "still adds up to the answer."
        )
    return [
        f"# {recipe.name}",
        f"Says how probable {recipe.source.finding} is in a picture, and where it sees it. {what}",
        "**Intended use:** teaching, and research into calibration and explanations. It is not a medical device, and "
        "no decision about anybody's care may rest on it.",
    ]


def data(recipe: Recipe | EnsembleRecipe) -> list[str]:
    """Return what was learned from, under which licence."""
    source = recipe.source
    validation = source.validation_split or "an eighth of train's patients, in no other split"
    return [
        "## Data",
        f"`{source.dataset}`, licence {source.licence}: {source.citation}. Train: `{source.train_split}`; validation: "
        f"{validation}; test: `{source.test_split}`, used for the tables above and for nothing else.",
    ]


def net_text(recipe: Recipe, folder: Path) -> list[str]:
    """Return how a net was trained and exported."""
    export = json.loads((folder / EXPORT_FILE).read_text(encoding="utf-8"))
    storage = export["weight_storage"]
    start = "random weights"
    if recipe.goes_on_from:
        start = f"the trained net of `{recipe.goes_on_from}`"
    elif recipe.pretrained:
        start = (
            f"ImageNet weights (those of `{recipe.pretrained}`, for the net bundled here from an 8-bit release, with "
            "batch norms estimated anew on the data set)"
        )
    return [
        "## Training",
        f"timm's `{recipe.architecture}` from {start}: {'; '.join(map(_stage, recipe.stages))}. AdamW, "
        f"{recipe.batch_size} pictures a step, weight decay {recipe.weight_decay:g}, cosine schedule with "
        f"{100 * recipe.warmup:g} % warm-up, label smoothing {recipe.label_smoothing:g}, classes "
        f"weighted equally, {'bfloat16' if recipe.bfloat16 else 'float32'}, seed {recipe.seed}"
        f"{'; batch norms estimated anew on clean pictures' * recipe.settled_batch_norms}. Exported at "
        f"{recipe.export_size} px with output stride {recipe.export_stride}: `python -m training.train "
        f"{recipe.name}`, then `python -m training.export {recipe.name}`.",
        "Large weights are rounded to 8 bits with a scale per channel and computed with in float32. On "
        f"{storage['images']} validation pictures that moves the AUC from {storage['validation_auc_float32']:.4f} to "
        f"{storage['validation_auc_int8_storage']:.4f}, and no probability by more than "
        f"{storage['largest_probability_difference']:.4f}.",
        *mosaics_text([recipe]),
        *static_int8(export),
    ]


def static_int8(export: dict[str, Any]) -> list[str]:
    """Return what computing in 8 bits as well would change, if that was tried."""
    if "static_int8" not in export:
        return []
    tried = export["static_int8"]
    return [
        "Computing in 8 bits too (static INT8, QDQ, `python -m training.quantize`) was tried on the same pictures: AUC "
        f"{tried['auc']:.4f} to {tried['auc_int8']:.4f}, a probability moves by up to "
        f"{tried['largest_probability_difference']:.3f}, the maps correlate at {tried['heatmap_correlation']:.3f}, "
        f"one picture takes {tried['ms_int8']:.1f} instead of {tried['ms']:.1f} ms on one thread. It is not served: "
        "the answers would no longer be those of `transformers` on this folder."
    ]


def _stage(stage: Stage) -> str:
    taught = f", {TEACHER_SHARE:.0%} of the loss from the soft labels of `{stage.teacher}`" if stage.teacher else ""
    phases = ", a random phase of the dilated net per batch" * stage.random_phases
    mosaics = f", {MOSAIC_SHARE:.0%} of the batches as 2 x 2 mosaics" * stage.mosaics
    averaged = ", kept after the warm-up, and the mean of the weights from then on" * stage.averaged
    return (
        f"{stage.epochs:g} epoch{'s' * (stage.epochs != 1)} at {stage.size} px, output stride {stage.output_stride}, "
        f"peak learning rate {stage.learning_rate:g}{averaged}{phases}{mosaics}{taught}"
    )


def ensemble_text(recipe: EnsembleRecipe, config: dict[str, Any]) -> list[str]:
    """Return how an ensemble joins its members."""
    settings = config["overread"]["ensemble"]
    members = "; ".join(f"`{name}` with ONNX file `{digest[:12]}`" for name, digest in settings["members"].items())
    *most, last = settings["views"]
    views = f"{', '.join(most)} and {last}" if most else last
    return [
        "## Members",
        f"{members}. Each sees the picture {views}. Mean of the calibrated log-odds, times {settings['slope']:.3f}, "
        f"{settings['intercept']:+.3f} (calibrated once more on validation data). The folder holds no weights: "
        "`config.json` pins the members' files. "
        f"Made by `python -m training.ensemble {recipe.name}`.",
        *mosaics_text([RECIPES[member] for member in recipe.members]),
    ]


def mosaics_text(nets: Sequence[Recipe]) -> list[str]:
    """Return that the pointing game flatters the map of nets that were trained on mosaics, if any was."""
    taught = [f"`{net.name}`" for net in nets if any(stage.mosaics for stage in net.stages)]
    if not taught:
        return []
    return [
        f"The grid pointing game flatters this map: {' and '.join(taught)} learned on 2 x 2 mosaics of training "
        "pictures, and the game is played on such mosaics of other ones."
    ]


LIMITS = (
    "## Limits",
    "It knows pictures like those of its data set and nothing else: another scanner, stain, age group or disease can "
    "make it confidently wrong. The map shows what moved the model, not where a disease is.",
)


def update_readme(readme: Path) -> None:
    """Write the summary table between the two marks in the project's README.

    Raises:
        ValueError: if the README lacks a mark.
    """
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(FIGURES_BEGIN)
    _, end, after = rest.partition(FIGURES_END)
    if not end:
        raise ValueError(f"{readme.name} lacks the marks {FIGURES_BEGIN} and {FIGURES_END}")
    readme.write_text(f"{before}{FIGURES_BEGIN}\n{summary_table()}\n{end}{after}", encoding="utf-8")
