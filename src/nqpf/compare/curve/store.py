"""What follows from the multiverse, stored beside its results: tests of curves, and shares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from nqpf.compare.curve.given import curve_input
from nqpf.compare.curve.inference import SCHEMES, curve_inference
from nqpf.data.reading import note
from nqpf.errors import SourceError
from nqpf.paths import replacing, root

if TYPE_CHECKING:
    from nqpf.compare.multiverse.grid import SpecificationGrid
    from nqpf.compare.multiverse.results import Multiverse

__all__ = [
    "KEYS",
    "curve_tests",
    "load_curve_tests",
    "load_disagreement",
    "save_beside",
    "shares_file",
    "tests_file",
]

KEYS = ["direction", "variable", "scheme", "statistic"]
_SHARES = ["direction", "variable", "unit", "axis"]
_DIGITS = 6  # significant, so that last bits of other processors do not show


def curve_tests(
    grid: SpecificationGrid,
    multiverse: Multiverse,
    resamples: int = 500,
    seed: int = 0,
    n_jobs: int = -1,
    progress: bool = False,
) -> pd.DataFrame:
    """Test the curve of each question by resampling under the null, see `curve_inference`.

    Parameters
    ----------
    grid : SpecificationGrid
        The grid that the results rest on.
    multiverse : Multiverse
    resamples, seed, n_jobs, progress
        As :func:`nqpf.compare.curve_inference` takes them.

    Returns
    -------
    DataFrame
        ``direction``, ``variable``, ``scheme`` and ``statistic``; ``observed``; the middle
        95 % of the null distribution; ``p``; ``specifications``, ``resamples`` and ``seed``.

    Raises
    ------
    nqpf.errors.NqpfError
        As :func:`nqpf.compare.curve_inference` does.
    """
    table = multiverse.curve(errors="clustered")
    parts = []
    for (direction, name), own in table.groupby(["direction", "variable"], observed=True):
        given = curve_input(grid, own)
        for scheme in SCHEMES:
            found = curve_inference(
                *given,
                resamples=resamples,
                seed=seed,
                scheme=scheme,
                standardise=True,
                n_jobs=n_jobs,
                progress=progress,
            )
            rows = found.to_frame().rename_axis("statistic").reset_index()
            rows = rows.assign(direction=direction, variable=name, scheme=scheme)
            parts.append(rows.assign(specifications=len(own), resamples=resamples, seed=seed))
    rows = pd.concat(parts, ignore_index=True)
    return rows[KEYS + [name for name in rows if name not in KEYS]]


def tests_file() -> Path:
    """Return where the project keeps its tests."""
    return root() / "data" / "multiverse" / "curve_tests.csv"


def shares_file() -> Path:
    """Return where the project keeps the shares of each choice in the disagreement."""
    return root() / "data" / "multiverse" / "shares.csv"


def save_beside(table: pd.DataFrame, multiverse: Multiverse, path: Path | str) -> None:
    """Write a table with the hashes of the declaration and the data that it rests on."""
    stamped = table.assign(declaration=multiverse.declaration.sha256, data=multiverse.data)
    with replacing(Path(path)) as temporary:
        stamped.to_csv(temporary, index=False, float_format=f"%.{_DIGITS}g", lineterminator="\n")


def load_curve_tests(multiverse: Multiverse, path: Path | str | None = None) -> pd.DataFrame:
    """Read stored tests, unless declaration or data have changed since.

    Parameters
    ----------
    multiverse : Multiverse
        The results that they have to belong to.
    path : path or None
        The project's own file when None.

    Returns
    -------
    DataFrame indexed (direction, variable, scheme, statistic)

    Raises
    ------
    nqpf.errors.SourceError
        If the file is missing or damaged, or rests on another declaration or data.
    """
    return _load(multiverse, tests_file() if path is None else Path(path), KEYS)


def load_disagreement(multiverse: Multiverse, path: Path | str | None = None) -> pd.DataFrame:
    """Read the stored shares of each choice, unless declaration or data have changed since.

    Parameters
    ----------
    multiverse : Multiverse
        The results that they have to belong to.
    path : path or None
        The project's own file when None.

    Returns
    -------
    DataFrame indexed (direction, variable, unit, axis)
        As :func:`nqpf.compare.curve.units.disagreement` gives it.

    Raises
    ------
    nqpf.errors.SourceError
        If the file is missing or damaged, or rests on another declaration or data.
    """
    return _load(multiverse, shares_file() if path is None else Path(path), _SHARES)


def _load(multiverse: Multiverse, path: Path, keys: list[str]) -> pd.DataFrame:
    note("results", [path.name])
    hint = "run `nqpf multiverse --update`"
    try:
        table = pd.read_csv(path)
        stamps = table[["declaration", "data"]].drop_duplicates()
        table = table.drop(columns=["declaration", "data"]).set_index(keys)
    except (OSError, KeyError, ValueError) as error:
        raise SourceError(
            f"a stored table cannot be read: {error}", where={"file": path.name}, hint=hint
        ) from error
    current = [multiverse.declaration.sha256, multiverse.data]
    if stamps.to_numpy().tolist() != [current]:
        raise SourceError(
            "a stored table rests on another declaration or data",
            where={"file": path.name},
            expected=f"declaration {current[0][:12]}... and data {current[1][:12]}...",
            hint=hint,
        )
    return table
