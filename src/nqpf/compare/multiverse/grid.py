"""The specification grid: declared, counted, cut into batches and run."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

import nqpf
from nqpf.compare.multiverse.declaration import AXES, Declaration
from nqpf.compare.multiverse.impossible import REASONS, control_sets, reasons, sample_rows
from nqpf.compare.multiverse.results import Multiverse
from nqpf.compare.multiverse.rows import Figures, data_hash, figures
from nqpf.compare.multiverse.runner import check_where, run_batches
from nqpf.compare.multiverse.specify import DIFFERENCED, Batch, evaluate
from nqpf.compare.multiverse.variants import Variants, variants
from nqpf.data import Panel

__all__ = ["SpecificationGrid"]

_IN_BATCH = 3  # controls, measure and errors vary within a batch


@dataclass(frozen=True, eq=False, repr=False)
class SpecificationGrid:
    """Every specification of a declaration on a panel.

    Parameters
    ----------
    declaration : Declaration
        The axes and their levels; the project's own by default.
    panel : Panel
        Official figures; the embedded ones, without a reader's rows, by default.

    Examples
    --------
    >>> grid = SpecificationGrid()
    >>> dict(zip(AXES, grid.shape, strict=True))["errors"]
    2
    """

    declaration: Declaration = field(default_factory=Declaration.load)
    panel: Panel = field(default_factory=lambda: Panel.load(extra=False))

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Levels on each axis, in the order of :data:`nqpf.compare.multiverse.declaration.AXES`."""
        return tuple(len(levels) for levels in self.declaration.levels.values())

    @property
    def declared(self) -> int:
        """Estimates of the full product, possible or not; each has every kind of errors."""
        return int(np.prod(self.shape[:-1]))

    @cached_property
    def measured(self) -> dict[str, Variants]:
        """Every measure by vintage; takes about half a minute each."""
        one = self.declaration
        return {
            vintage: variants(
                self.panel,
                vintage,
                one.grid.measures.systems.keys,
                one.recipes,
                one.estimators,
                one.capital,
            )
            for vintage in one.levels["vintage"]
        }

    @cached_property
    def figures(self) -> dict[str, Figures]:
        """Figures by ``vintage/transformation``."""
        return {
            f"{vintage}/{key}": table
            for vintage, measured in self.measured.items()
            for key, table in figures(self.declaration, self.panel, measured).items()
        }

    @cached_property
    def reasons(self) -> np.ndarray:
        """Position in ``impossible.REASONS`` of every declared specification, 0 to run it."""
        return reasons(self.declaration, self.measured, self.figures)

    @cached_property
    def stamp(self) -> str:
        """Hash of declaration, data and code, which parts of a run carry."""
        digest = hashlib.sha256(
            (self.declaration.sha256 + data_hash(self.declaration, self.panel)).encode()
        )
        folder = Path(nqpf.__file__).parent
        for path in sorted(folder.rglob("*.py")):
            if path.parts[len(folder.parts)] not in ("cli.py", "report"):
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def __repr__(self) -> str:
        return f"SpecificationGrid of {self.declared:,} declared specifications"

    def enumerate(self) -> pd.DataFrame:
        """Return every declared specification.

        Returns
        -------
        DataFrame
            ``id``, the position of its first standard error in the full product, stable while the
            declaration is; one categorical column per axis but that of the errors; and
            ``reason``, empty for a specification that is run.
        """
        codes = np.unravel_index(np.arange(self.declared), self.shape[:-1])
        columns: dict[str, object] = {"id": np.arange(self.declared) * self.shape[-1]}
        for code, axis in zip(codes, AXES[:-1], strict=True):
            columns[axis] = pd.Categorical.from_codes(code, self.declaration.levels[axis])
        columns["reason"] = pd.Categorical.from_codes(self.reasons[..., 0].ravel(), REASONS)
        return pd.DataFrame(columns)

    def count(self) -> pd.Series:
        """Return how many estimates are declared, run, and dropped by reason.

        Each has as many standard errors as there are kinds of them.
        Collinear ones are found when the grid is run, see :attr:`Multiverse.counts`.
        """
        tally = np.bincount(self.reasons[..., 0].ravel(), minlength=len(REASONS))
        rows = {"declared": self.declared, "to run": int(tally[0])}
        rows |= {reason: int(n) for reason, n in zip(REASONS, tally, strict=True) if reason and n}
        return pd.Series(rows, name="estimates")

    def batches(self) -> Iterator[tuple[str, Batch]]:
        """Yield independent units of work by name, those without a specification left out."""
        levels, outer = self.declaration.levels, self.shape[:-_IN_BATCH]
        names = list(self.declaration.grid.variables)
        size = int(np.prod(self.shape[-_IN_BATCH:]))
        for number, at in enumerate(np.ndindex(*outer)):
            cells = np.flatnonzero(self.reasons[at].ravel() == 0)
            if not len(cells):
                continue
            one = {axis: levels[axis][i] for axis, i in zip(AXES, at, strict=False)}
            key = f"{one['vintage']}/{one['transformation']}"
            direction, variable = one["relation"].split(":")
            rows = sample_rows(
                self.declaration, one["relation"], one["transformation"], self.figures[key]
            )
            differenced = one["transformation"] == "difference"
            name = ".".join([direction, variable, *(one[axis] for axis in AXES[1:-_IN_BATCH])])
            yield (
                name,
                Batch(
                    figures=key,
                    driver=direction == "driver",
                    variable=names.index(variable),
                    controls=tuple(control_sets(self.declaration, one["relation"])),
                    effects=DIFFERENCED[one["effects"]] if differenced else one["effects"],
                    rows=rows[at[AXES.index("sample")]],
                    errors=tuple(levels["errors"]),
                    first=number * size,
                    cells=cells.astype(np.int32),
                ),
            )

    def run(
        self,
        store: Path | str | None = None,
        n_jobs: int = -1,
        backend: str = "local",
        address: str | None = None,
        progress: bool = True,
    ) -> Multiverse:
        """Run every possible specification once.

        Parameters
        ----------
        store : path or None
            Folder of the parts, from which an interrupted run goes on; a
            temporary one when None.
        n_jobs, backend, address, progress
            As :func:`nqpf.compare.run_batches` takes them.

        Returns
        -------
        Multiverse

        Raises
        ------
        nqpf.errors.NqpfError
            As :func:`nqpf.compare.run_batches` does.
        """
        check_where(n_jobs, backend, address)  # before the measures, which take a minute
        with tempfile.TemporaryDirectory() as folder:
            table = run_batches(
                dict(self.batches()),
                evaluate,
                folder if store is None else store,
                stamp=self.stamp,
                shared=self.figures,
                n_jobs=n_jobs,
                backend=backend,
                address=address,
                progress=progress,
            )
        return Multiverse.of(self, table)
