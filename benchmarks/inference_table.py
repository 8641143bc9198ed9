"""One run of ``benchmarks.inference``, and its tables in Markdown."""

from dataclasses import dataclass

MAP_HEADER = [
    "| Model | Threads | Overread | torch + pytorch_grad_cam | logits only: onnxruntime | logits only: torch |",
    "|---|---|---|---|---|---|",
]
OVERLAY_HEADER = [
    "| Model | Threads | Overread | of that, the session | torch + pytorch_grad_cam, its overlay |",
    "|---|---|---|---|---|",
]


@dataclass(frozen=True)
class Row:
    """Median milliseconds per image of one model; an ensemble has no peers, which are None."""

    model: str
    threads: int
    overread: float  # bytes to overlay, guard and lungs included
    session: float  # of that, onnxruntime with the map
    tensor_to_map: float | None = None  # onnxruntime with the map, alone
    onnxruntime: float | None = None  # logits only
    torch_eager: float | None = None  # logits only
    pytorch_grad_cam: float | None = None  # tensor to map
    pytorch_overlay: float | None = None  # bytes to overlay, with torch and pytorch_grad_cam


@dataclass(frozen=True)
class Run:
    """One run of the benchmark."""

    machine: str
    cpus: int
    versions: dict[str, str]  # by library
    rounds: int
    rows: tuple[Row, ...]


def render(run: Run) -> str:
    """Return ``inference.md``; in brackets the ratio to Overread."""
    versions = ", ".join(f"{library} {version}" for library, version in run.versions.items())
    maps, overlays = [], []
    for row in run.rows:
        if row.tensor_to_map is not None:
            peers = (row.pytorch_grad_cam, row.onnxruntime, row.torch_eager)
            maps.append(
                [row.model, str(row.threads), f"{row.tensor_to_map:.1f}"]
                + [_with_ratio(peer, row.tensor_to_map) for peer in peers]
            )
        session = f"{row.session:.1f} (path: {row.overread / row.session:.2f}x)"
        overlays.append(
            [
                row.model,
                str(row.threads),
                f"{row.overread:.1f}",
                session,
                _with_ratio(row.pytorch_overlay, row.overread),
            ]
        )
    lines = [
        "# Milliseconds per image",
        "",
        f"{run.machine}, {run.cpus} CPUs, {versions}; median of {run.rounds} rounds; in brackets the ratio to "
        "Overread. Written by `python -m benchmarks.inference`.",
        "",
        "## From tensor to map",
        "",
        "The input is a normalised tensor. The map comes with the logits; the last two columns compute no map.",
        "",
        *MAP_HEADER,
        *(f"| {' | '.join(row)} |" for row in maps),
        "",
        "## From bytes to overlay",
        "",
        "The input is a file such as visitors send: a PNG patch of 96 x 96 px, a JPEG film of 1024 x 1024 px. Overread "
        "decodes, asks the guard, runs the net, finds the lungs and draws; the peer decodes, resizes, runs net and "
        "Grad-CAM, and draws with `show_cam_on_image` at the same size. Behind the session stands what the whole path "
        "takes beside it.",
        "",
        *OVERLAY_HEADER,
        *(f"| {' | '.join(row)} |" for row in overlays),
    ]
    return "\n".join(lines) + "\n"


def _with_ratio(milliseconds: float | None, to: float) -> str:
    return "" if milliseconds is None else f"{milliseconds:.1f} ({milliseconds / to:.2f}x)"
