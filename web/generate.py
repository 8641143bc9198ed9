"""Writes what the page in a browser shares with the app, before Vite builds it: python -m web.generate

Words, thresholds and figures go to ``src/generated/words.json``; nets, guards and examples to ``public/generated/``,
each under a name that holds its digest. Sentences come from the code that says them, run on inputs that make it.
"""

import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from overread import dicom_tags, guard, images, patches, scale
from overread.catalogue import CatalogueEntry, Domain, catalogue, lung_net
from overread.classifier import UNGUARDED
from overread.domain_text import DomainText
from overread.guard import Guard
from overread.guard_file import read_guard
from overread.heatmap_drawing import DISPLAY_SIDES
from overread.lungs import LEAST_REGION, LUNG, OUTLINE_TOLERANCE, Lungs
from overread.model_folder import CONFIG_FILE, ONNX_FILE, ModelConfig, read_config
from overread.prediction import DISCLAIMER, SCHEMA_VERSION
from overread.reading import CANNOT_TELL, NOT_RULED_IN, NOT_RULED_OUT, Reading
from overread.reported_figures import on_test_split
from ui import report_words, verdict
from ui.answer_counts import answer_counts
from ui.domains import DOMAINS
from ui.examples import Example, examples
from ui.share_tags import SUMMARY, TITLE
from web import sentences

HERE = Path(__file__).parent
WORDS, FILES = HERE / "src" / "generated" / "words.json", HERE / "public" / "generated"
PREPROCESS_FILE = "onnx/preprocess.onnx"  # beside the net's; written by training/methods/preprocessing_in_graph.py
SCANS = "; of a field of view or a slide it reads every patch"  # what the app's question says and the page does not do
THUMBNAIL = 144  # pixels, for 72 on a screen with twice as many


def generate() -> Path:
    """Return the file of words, written anew beside the generated files."""
    shutil.rmtree(FILES, ignore_errors=True)
    models = {name: model(entry) for name, entry in catalogue().items()}
    words = {
        "title": TITLE,
        "summary": SUMMARY,
        "disclaimer": DISCLAIMER,
        "schema_version": SCHEMA_VERSION,
        "display_sides": DISPLAY_SIDES,
        "limits": {"bytes": images.MAX_FILE_BYTES, "pixels": images.MAX_PIXELS, "side": images.MIN_SIDE},
        "sentences": sentences.captured(),
        "card": card(),
        "guard": guard_words(),
        "scale": scale_words(),
        "report": report(),
        "domains": {name: domain(name, text, models) for name, text in DOMAINS.items()},
        "models": models,
    }
    WORDS.parent.mkdir(parents=True, exist_ok=True)
    WORDS.write_text(json.dumps(words, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return WORDS


def card() -> dict[str, Any]:
    """Return the words of the card that depend on no model."""
    return {
        "zones": verdict.ZONE_NAMES,
        "members_disagree": verdict.MEMBERS_DISAGREE,
        "near_a_threshold": verdict.NEAR_A_THRESHOLD,
        "borderline": verdict.BORDERLINE,
        "against_the_map": verdict.AGAINST_THE_MAP,
        "lungs": verdict.lungs_share_html(Lungs(0.33, 0.77, ())).replace("77", "{inside}").replace("33 %", "{area}"),
        "no_lungs": verdict.lungs_share_html(Lungs(0.0, None, ())),
        "cannot_tell": CANNOT_TELL,
        "not_ruled_in": NOT_RULED_IN,
        "not_ruled_out": NOT_RULED_OUT,
    }


def scale_words() -> dict[str, Any]:
    """Return what the page knows of scales, and the words for where one was read."""
    return {
        "plausible": scale.PLAUSIBLE_UM_PER_PX,
        "um_per_inch": scale.UM_PER_INCH,
        "um_per_mm": scale.UM_PER_MM,
        "slack_px": patches.SLACK_PX,
        "same_scale": patches.SAME_SCALE,
        **sentences.about_scales(),
    }


def report() -> dict[str, Any]:
    """Return the sentences of a report that depend on no model."""
    return {
        "title": report_words.TITLE,
        "probability": report_words.PROBABILITY,
        "picture": report_words.PICTURE,
        "overlay": report_words.OVERLAY,
        "members": report_words.MEMBERS,
        "evidence": report_words.EVIDENCE,
        "forced": report_words.FORCED,
        "label": report_words.LABEL,
        "identity": report_words.IDENTITY,
    }


def guard_words() -> dict[str, Any]:
    """Return the guard's sentences and limits, and what it calls what a DICOM file says."""
    return {
        "reasons": guard.REASONS,
        "how_to_get_an_answer": guard.HOW_TO_GET_AN_ANSWER,
        "answered_anyway": guard.ANSWERED_ANYWAY,
        "unguarded": UNGUARDED,
        "tinted": guard.TINTED,
        "colourful": guard.COLOURFUL,
        "grey": guard.GREY,
        "upside_down": guard.UPSIDE_DOWN,
        "least_lungs": guard.LEAST_LUNGS,
        "modalities": dicom_tags.MODALITIES,
        "another_modality": dicom_tags.DicomTags().modality_name,
        "other_body_parts": dicom_tags.OTHER_BODY_PARTS,
        "frontal_views": dicom_tags.FRONTAL_VIEWS,
        "other_views": dicom_tags.OTHER_VIEWS,
    }


def domain(name: Domain, text: DomainText, models: dict[str, Any]) -> dict[str, Any]:
    """Return one tab: its words, examples, models and guard."""
    own = [model for model, values in models.items() if values["domain"] == name]
    own.sort(key=lambda model: models[model]["ensemble"] is not None)  # what answers first is one net, in one download
    entry = catalogue()[own[0]]
    finding = models[own[0]]["finding"]
    found = read_guard(entry.bundled_folder)
    return {
        **asdict(text),
        "question": text.question.replace(SCANS, "") if found else f"{text.question} {UNGUARDED}",
        "finding": finding,
        "models": own,
        "examples": [example_file(example) for example in examples(name)],
        "plain": {answer: verdict.plain_words_html(Reading(answer, ""), finding, text) for answer in verdict.ZONES},
        "guard": found and guard_of(name, found),
        "lungs": lungs_of(name),
    }


def lungs_of(name: Domain) -> dict[str, Any] | None:
    """Return where a domain's lung net is and what is done with its output; None where it has none."""
    entry = lung_net(name)
    if entry is None:
        return None
    return {
        "file": copied(entry.bundled_folder / ONNX_FILE, entry.name),
        "lung": LUNG,
        "tolerance": OUTLINE_TOLERANCE,
        "least_region": LEAST_REGION,
    }


def example_file(example: Example) -> dict[str, str]:
    """Return an example's label and source, and where its file and its thumbnail are."""
    return {
        "label": example.label,
        "source": example.source,
        "sha256": example.sha256,
        "name": example.source_file,
        "file": copied(example.path),
        "thumbnail": thumbnail(example),
    }


def thumbnail(example: Example) -> str:
    """Return the address of a square JPEG."""
    with Image.open(example.path) as image:
        square = ImageOps.fit(image.convert("RGB"), (THUMBNAIL, THUMBNAIL))
    file = FILES / f"{example.path.stem}.thumbnail.jpg"
    square.save(file, quality=80)
    return address(file)


def guard_of(name: str, found: Guard) -> dict[str, Any]:
    """Return a guard's subject and kinds; the arrays of all kinds go to one file, float32, mean before precision."""
    roles = [("learned", kind) for kind in found.learned] + [("wider", kind) for kind in found.wider]
    roles += [("other", kind) for kind in found.others]
    file = FILES / f"{name}.guard.bin"
    arrays = [np.asarray(array, "<f4").ravel() for _, kind in roles for array in (kind.mean, kind.precision)]
    file.write_bytes(np.concatenate(arrays).tobytes())
    kinds = [
        {
            "role": role,
            "name": kind.name,
            "parts": kind.parts,
            "size": len(kind.mean),
            "familiar": kind.familiar,
            "limit": kind.limit,
            "warning": kind.warning,
        }
        for role, kind in roles
    ]
    return {"subject": asdict(found.subject), "kinds": kinds, "file": address(file)}


def model(entry: CatalogueEntry) -> dict[str, Any]:
    """Return what the page needs of one model; a net's two graphs are copied."""
    folder, text = entry.bundled_folder, DOMAINS[entry.domain]
    config = read_config(folder)
    test = on_test_split(entry.name)
    counts = answer_counts(test, config.operating_points)
    served = CONFIG_FILE if config.ensemble else ONNX_FILE
    return {
        "name": entry.name,
        "domain": entry.domain,
        "title": config.title or entry.name,
        "summary": config.summary,
        "revision": "bundled",  # as the app says of files that come with it
        "sha256": entry.sha256[served],
        "finding": config.finding,
        "labels": config.labels,
        "points": [asdict(point) for point in config.operating_points.values()],
        "default_point": config.default_operating_point,
        "heatmap": asdict(config.heatmap),
        "region": region(config),
        "ensemble": asdict(config.ensemble) if config.ensemble else None,
        "files": None if config.ensemble else net_files(folder),
        "frequency": {
            answer: verdict.frequency_html(counts.get(answer), Reading(answer, ""), config.finding, text)
            for answer in verdict.ZONES
        },
        "report": {
            "frequency": {
                answer: report_words.frequency(counts.get(answer), answer, config.finding, text)
                for answer in verdict.ZONES
            },
            "legend": report_words.legend(config.finding, config),
        },
        "test": test
        and {
            "images": test["images"],
            "auc": test["auc"],
            "points": {
                name: {rate: reached[rate] for rate in ("sensitivity", "specificity")}
                for name, reached in test["operating_points"].items()
            },
        },
    }


def net_files(folder: Path) -> dict[str, Any]:
    """Return the addresses of a net's two graphs, and the size of the larger one."""
    return {
        "net": copied(folder / ONNX_FILE, folder.name),
        "preprocess": copied(folder / PREPROCESS_FILE, folder.name),
        "bytes": (folder / ONNX_FILE).stat().st_size,
    }


def region(config: ModelConfig) -> dict[str, Any] | None:
    """Return a patch model's region with the sentences about images that are no patch."""
    if config.region is None:
        return None
    return {**asdict(config.region), "sentences": sentences.about_patches(config.region)}


def copied(source: Path, name: str = "") -> str:
    """Return the address of a copy in the page; its name holds its digest, so that it may be cached for ever."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    FILES.mkdir(parents=True, exist_ok=True)
    file = FILES / f"{name + '.' if name else ''}{source.stem}.{digest}{source.suffix}"
    shutil.copy(source, file)
    return address(file)


def address(file: Path) -> str:
    """Return a generated file's address, relative to the page."""
    return file.relative_to(HERE / "public").as_posix()


if __name__ == "__main__":
    print(generate())
