"""The API in words: arguments, answer fields, error codes and limits, for the API page, /llms.txt and MCP clients."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from overread.catalogue import Domain
from overread.domain_text import api_name
from overread.images import MAX_FILE_BYTES, MAX_PIXELS, MIN_SIDE, READABLE
from overread.patches import OBJECTIVES
from overread.prediction import DISCLAIMER
from overread.service import Service
from ui.domains import DOMAINS, task
from ui.examples import examples
from ui.failures import codes
from ui.fields import DOMAIN, LEAST_STRIDE, MAX_PATCHES

LIMITS = (
    f"{READABLE}; up to {MAX_FILE_BYTES // 2**20} MB and {MAX_PIXELS // 10**6} megapixels, at least {MIN_SIDE} px a "
    "side. Links must be https on port 443 and lead to a public address."
)
# Where the example images of the API page lie. A link to an address like 127.0.0.1 would be refused, so without a Space
# the page shows a name that is reserved for documentation (RFC 2606).
PUBLIC_ADDRESS = f"https://{os.environ.get('SPACE_HOST', 'example.org')}"
UPLOADS_KEPT = "Uploads and answers are deleted after about an hour."
SCAN_TASK = (
    "Scans an H&E field of view or slide for lymph-node metastasis, patch by patch. One request may ask for "
    f"{MAX_PATCHES:,} patches of tissue."
)
SCANNED = "an H&E field of view or slide: PNG, JPEG, TIFF, BigTIFF, svs, ndpi, mrxs, scn, DICOM and others."
SCAN_ANSWER = (
    "first {plan}: size, scale and its source, patches, seconds, sentence, notes; then {progress}: done, total, "
    "seconds, remaining; at last the summary: headline, scale, tissue_mm2, share and area_mm2 at each operating point, "
    "area_interval_mm2 over the thresholds, the ten most suspicious patches, guard, notes, model"
)
SCAN_FILES = (
    "scan.json, patches.csv, regions.geojson (for QuPath), map.ome.tif (pyramidal: probability and evidence), "
    "thumbnail.png, probability.png, evidence.png"
)
ANSWER_FIELDS = {
    "schema_version": "version of this list of fields",
    "finding": "what was looked for, such as pneumonia",
    "probability": "calibrated probability of the finding, 0 to 1",
    "probabilities": "calibrated probability by class label; they sum to 1",
    "members": "calibrated probability by member of an ensemble, 0 to 1; empty for a single net",
    "log_odds": "log(p / (1 - p)) of the finding",
    "reading": "one of three answers: answer (negative, cannot tell, positive), text, members_disagree",
    "positive": "whether the probability reaches the operating point's threshold",
    "decision": "what follows from it: a class label, not ruled in or not ruled out",
    "operating_point": "name, threshold (0 to 1), sensitivity and specificity (0 to 1) on validation data, rule",
    "heatmap": "shape [rows, columns], values (log-odds per cell; positive speaks for the finding), bias (log-odds "
    "that belong to no place), unit; all values + bias = log_odds",
    "lungs": "where the lungs are: area (share of the picture, 0 to 1), evidence_inside (share of the evidence for the "
    "finding that lies in the lungs, 0 to 1; null where there is none, or no lungs were found), outline (polygons of "
    "[x, y], fractions of width and height); null for a model without a lung net",
    "guard": "whether the image is of the kind that the model learned from: outcome (accepted, unfamiliar, refused), "
    "code, reason, distance; null without a guard",
    "notes": "what the reader should know of how the image was read",
    "image_sha256": "SHA-256 of the image that was read",
    "image_sha256_of": "what that digest is of: file (its bytes) or pixels",
    "model": "name, revision, SHA-256 of the ONNX file, source (hub or bundled)",
    "milliseconds": "time for decode, guard, lungs, preprocess, inference, overlay",
    "disclaimer": DISCLAIMER,
}


@dataclass(frozen=True)
class Argument:
    """One argument of an endpoint; ``choices`` is empty where every value of the type is allowed."""

    name: str
    type: str  # of JSON Schema
    description: str
    example: Any
    default: str | bool | float | None = None
    choices: tuple[str, ...] = ()


def arguments(service: Service, domain: Domain) -> list[Argument]:
    """Return the arguments of a domain's endpoint, in order; the first one is required."""
    config, names = service.classifier(domain).config, tuple(service.names(domain))
    points = tuple(config.operating_points)
    shown = next(iter(examples(domain)), None)
    link = f"{PUBLIC_ADDRESS}/examples/{shown.file}" if shown else f"{PUBLIC_ADDRESS}/image.png"
    patches = [
        Argument(
            "mpp",
            "number",
            f"micrometres per pixel of the image ({OBJECTIVES}); 0: what the file says. A larger image of unknown "
            "scale gets no answer.",
            0,
            0.0,
        ),
        Argument(
            "squash",
            "boolean",
            "take the whole image for one patch, whatever its size and scale, and squash it to 96 x 96 px.",
            False,
            False,
        ),
    ]
    return [
        Argument(
            "image",
            "string",
            f"{DOMAINS[domain].image}. An uploaded file, a data URL, base64 text or an https link. {LIMITS}",
            {"path": link, "url": link, "meta": {"_type": "gradio.FileData"}},
        ),
        Argument(
            "operating_point",
            "string",
            "which threshold decides: screening keeps sensitivity at 0.95 or more on validation data, rule-in keeps "
            "specificity there, balanced maximises their sum; empty: the model's own choice.",
            config.default_operating_point,
            "",
            points,
        ),
        Argument("model", "string", f"which model answers; empty: {names[0]}.", names[0], "", names),
        Argument(
            "smooth",
            "boolean",
            "interpolate the drawn heat map; false draws the model's own grid of cells.",
            True,
            True,
        ),
        Argument(
            "answer_anyway",
            "boolean",
            "answer also an image that is not of the kind that the model reads; the notes then say so.",
            False,
            False,
        ),
        *(patches if config.region else []),
    ]


def scan_arguments(service: Service) -> list[Argument]:
    """Return the arguments of ``/scan_field``, in order; the first one is required."""
    image, point, model, *_ = arguments(service, DOMAIN)
    return [
        replace(image, description=f"{SCANNED} An uploaded file, a data URL, base64 text or an https link. {LIMITS}"),
        Argument("mpp", "number", f"micrometres per pixel of the image ({OBJECTIVES}); 0: what the file says.", 0, 0.0),
        replace(point, description=f"which threshold makes regions, share and area: {point.description}"),
        model,
        Argument(
            "stride",
            "number",
            f"pixels between patches at the model's scale, {LEAST_STRIDE} to 96; 0: 32, or more where that would be "
            "too much work.",
            0,
            0.0,
        ),
    ]


def documented(service: Service) -> dict[str, list[Argument]]:
    """Return the arguments of every endpoint by its name."""
    endpoints = {f"/{api_name(domain)}": arguments(service, domain) for domain in DOMAINS}
    return {**endpoints, "/scan_field": scan_arguments(service)}


def returned() -> dict[str, tuple[str, str]]:
    """Return what the two results of every endpoint are, by its name."""
    overlay = "the image with the heat map drawn over it, PNG"
    answers = {f"/{api_name(domain)}": (answer_fields(), overlay) for domain in DOMAINS}
    return {**answers, "/scan_field": (SCAN_ANSWER, SCAN_FILES)}


def answer_fields() -> str:
    """Return the fields of an answer in one line."""
    return "; ".join(f"{name}: {text}" for name, text in ANSWER_FIELDS.items() if name != "disclaimer")


def llms_txt(service: Service, address: str) -> str:
    """Return the API on one page of Markdown (llmstxt.org).

    Args:
        service: the loaded models.
        address: where the app is reached, without a slash at the end.
    """
    endpoints = "\n\n".join(_endpoint(service, domain) for domain in DOMAINS)
    return f"""# Overread

> A second reading of a medical image: a calibrated probability, a decision at a threshold chosen on validation data,
> and a signed heat map of the evidence that adds up to the answer. {DISCLAIMER}

## How to call it

- Python: `gradio_client.Client("{address}").predict(gradio_client.handle_file("image.png"), api_name="/chest_xray")`
- JavaScript: `@gradio/client`, `client.predict("/chest_xray", {{ image }})` after `await Client.connect("{address}")`
- REST: POST `{address}/gradio_api/call/chest_xray` with `{{"data": [IMAGE]}}` or `{{"data": [IMAGE, OPERATING_POINT,
  MODEL, SMOOTH, ANSWER_ANYWAY]}}`, then GET `{address}/gradio_api/call/chest_xray/EVENT_ID` (server-sent events). IMAGE
  is base64 text, a data URL, an https link, `{{"url": ...}}` with one of these, or `{{"path": ...}}` with a path that
  `{address}/gradio_api/upload` returned.
- MCP (streamable HTTP): `{address}/gradio_api/mcp/`
- OpenAPI: `{address}/gradio_api/openapi.json`

## Endpoints

{endpoints}

### /scan_field

{SCAN_TASK}

{_list(_lines(scan_arguments(service)))}

It streams {SCAN_ANSWER}. Beside the last one it returns files: {SCAN_FILES}. `client.submit(...)` gives the progress,
`client.predict(...)` waits for the summary.

### /models

Lists the loaded models: name, revision, SHA-256, domain, operating points. No arguments.

## Answer

Each endpoint returns two things: a JSON object, and the heat map drawn over the image as a PNG file.

{_list(ANSWER_FIELDS)}

## Errors

An error is one sentence in `error` and a code in `title` (`AppError.title` in gradio_client; `error` and `code` in
MCP):

{_list(codes())}

## Limits

{LIMITS} {UPLOADS_KEPT} {DISCLAIMER}
"""


def _endpoint(service: Service, domain: Domain) -> str:
    return f"### /{api_name(domain)}\n\n{task(service, domain)}\n\n{_list(_lines(arguments(service, domain)))}"


def _lines(arguments: list[Argument]) -> dict[str, str]:
    lines = {}
    for number, argument in enumerate(arguments):
        status = "required" if number == 0 else f"default {argument.default!r}"
        allowed = f" One of: {', '.join(argument.choices)}." if argument.choices else ""
        lines[argument.name] = f"({argument.type}, {status}) {argument.description}{allowed}"
    return lines


def _list(entries: Mapping[str, str]) -> str:
    return "\n".join(f"- `{name}`: {description}" for name, description in entries.items())
