"""Renders the tables of `python -m training sweep-films`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from training.measure.delong import compare
from training.measure.intervals import Estimate

Result = Mapping[str, Any]  # of one run, as it stands in JSON


def film_sweep_tables(results: Sequence[Result], children: str) -> str:
    """Return two Markdown tables: the runs' figures, and their AUCs minus those of the first run of the same seed.

    Args:
        results: of all runs.
        children: the stratum that is not adults.
    """
    area = results[0]["evidence_in_lungs"]["with the finding"]["area"]["value"]  # of the same films in every run
    titles = ["Run", "Children clean", "Children corrupted", "Adults AP", "Adults PA"]
    titles += [f"In the lungs (area {area:.3f})", "Half films", "Sharpening"]
    rows = [figures_row(result, children) for result in results]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|", *rows]
    return "\n".join([*lines, "", *_differences(results, children), ""])


def figures_row(result: Result, children: str) -> str:
    """Return a run's row of the first table."""
    auc, lungs, halves = result["auc"], result["evidence_in_lungs"]["with the finding"], result["half_films"]
    cells = [
        _name(result),
        *(_shown(auc[children][name]) for name in ("clean", "corrupted")),
        *(_shown(values["clean"]) for stratum, values in sorted(auc.items()) if stratum != children),
        _shown(lungs["evidence"]) if lungs["evidence"] else "none",
        _shown({"value": halves["mean"], "low": halves["low"], "high": halves["high"]}),
        f"{100 * result['sharpening']:.1f} %",
    ]
    return f"| {' | '.join(cells)} |"


def _differences(results: Sequence[Result], children: str) -> Iterator[str]:
    yield "| Run, minus the first of its seed | Children corrupted | Adults AP | Adults PA |"
    yield "|---|---|---|---|"
    labels, strata = (np.asarray(results[0][name]) for name in ("labels", "strata"))
    adults = sorted({str(stratum) for stratum in strata if stratum != children})
    compared = [(children, "corrupted"), *((stratum, "clean") for stratum in adults)]
    firsts: dict[int, Result] = {}
    for result in results:
        first = firsts.setdefault(result["run"]["seed"], result)
        if first is result:
            continue
        cells = [_name(result)]
        for stratum, name in compared:
            chosen = strata == stratum
            own, other = (np.asarray(each["log_odds"][name])[chosen] for each in (result, first))
            found = compare(labels[chosen], own, other)  # bootstrap over the same films, DeLong's p
            cells.append(f"{_shown(found['difference'], '+.3f')}, p = {found['p_value']:.2g}")
        yield f"| {' | '.join(cells)} |"


def _name(result: Result) -> str:
    return f"{result['run']['name']}, seed {result['run']['seed']}"


def _shown(value: Estimate, digits: str = ".3f") -> str:
    low, high = (format(value[bound], digits) for bound in ("low", "high"))
    return f"{value['value']:{digits}} ({low}{' to ' if '+' in digits else '-'}{high})"
