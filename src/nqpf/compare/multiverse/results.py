"""The stored results of a specification grid."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nqpf.compare.multiverse.declaration import Declaration
from nqpf.compare.multiverse.impossible import REASONS
from nqpf.compare.multiverse.rows import data_hash
from nqpf.compare.multiverse.table import FIGURES, ONCE, SIZES, labelled, long, wide
from nqpf.data import Panel
from nqpf.data.reading import note
from nqpf.errors import MethodError, SourceError
from nqpf.paths import replacing, root
from nqpf.tfp.sample import nearest

if TYPE_CHECKING:
    from nqpf.compare.multiverse.grid import SpecificationGrid

__all__ = ["Multiverse"]

_META = b"nqpf.multiverse"


@dataclass(frozen=True, eq=False, repr=False)
class Multiverse:
    """Every specification that was run, with its estimate.

    Attributes
    ----------
    table : DataFrame
        ``id``; the choices ``direction``, ``outcome``, ``determinant`` (one of
        the two is "measure", the other is ``variable``), ``vintage``,
        ``transformation``, ``sample``, ``effects``, ``controls``, ``measure``,
        ``kind``, ``system``, ``normalise``, ``weights``, ``aggregate``, ``estimator``, ``capital``
        and ``errors``, categorical; the effect in three units, as ``estimate`` (pooled standard
        deviations of the outcome per one of the regressor), ``within`` (standard
        deviations once the effects are removed) and ``partial`` (partial correlation);
        ``std_error`` and ``pvalue`` of the first, ``nobs``, ``groups`` and ``df`` (0 for the
        normal distribution). An estimate has a row for each kind of errors.
    counts : Series
        Estimates declared, run, and dropped by reason.
    dropped : DataFrame
        Measures that could not be computed: vintage, variant and reason.
    declaration : Declaration
        The grid as it was written down before the run.
    data : str
        Hash of the figures and systems used.
    """

    table: pd.DataFrame
    counts: pd.Series
    dropped: pd.DataFrame
    declaration: Declaration
    data: str
    choices: pd.DataFrame = field(repr=False)

    @classmethod
    def of(cls, grid: SpecificationGrid, results: pd.DataFrame) -> Multiverse:
        """Return the results of a grid's batches with their choices and counts."""
        counts = grid.count()
        kinds = len(grid.declaration.levels["errors"])
        collinear = int(results["estimate"].isna().sum()) // kinds
        counts["to run"] -= collinear
        counts = counts.rename({"to run": "run"})
        if collinear:
            counts[REASONS[-1]] = collinear
        results = results.dropna(subset=["estimate"]).sort_values("id", ignore_index=True)
        first, *others = grid.measured.values()
        choices = first.choices
        for other in others:
            choices = choices.combine_first(other.choices)
        choices = choices.drop(columns=["same_as", "chained"])
        choices = choices.reindex([x for x in grid.declaration.measures if x in choices.index])
        dropped = pd.concat(
            [one.dropped.assign(vintage=key) for key, one in grid.measured.items()],
            ignore_index=True,
        )
        return cls(
            table=labelled(results, grid.declaration, choices),
            counts=counts,
            dropped=dropped[["vintage", "variant", "reason"]].astype("str"),
            declaration=grid.declaration,
            data=data_hash(grid.declaration, grid.panel),
            choices=choices,
        )

    def curve(
        self,
        outcome: str | None = None,
        determinant: str | None = None,
        direction: str | None = None,
        unit: str = "estimate",
        **choices: str | Iterable[str],
    ) -> pd.DataFrame:
        """Return specifications of one question, by estimate from smallest to largest.

        Parameters
        ----------
        outcome, determinant : str or None
            The variable that the measure is related to.
        direction : {"driver", "determinant"} or None
        unit : {"estimate", "within", "partial"}
            Unit of ``estimate`` and, in proportion, of ``std_error`` in what is returned.
        **choices
            A level, or several, of any other choice, for example
            ``sample="all"`` or ``kind="tfp"``.

        Raises
        ------
        nqpf.errors.MethodError
            If a choice, a level or the unit is unknown; the message offers the nearest.

        Examples
        --------
        ``multiverse.curve(outcome="growth", errors="clustered", effects="two-way")``
        """
        asked = {"outcome": outcome, "determinant": determinant, "direction": direction}
        asked = {name: value for name, value in asked.items() if value is not None} | choices
        keep = np.ones(len(self.table), dtype=bool)
        known = [name for name in self.table if name not in ("id", *FIGURES, *SIZES)]
        for name, value in asked.items():
            if name not in known:
                raise MethodError(
                    f"unknown choice {name!r}",
                    expected="one of " + ", ".join(known),
                    hint=nearest(name, known),
                )
            levels = list(self.table[name].cat.categories)
            wanted = [value] if isinstance(value, str) else list(value)
            for level in wanted:
                if level not in levels:
                    raise MethodError(
                        f"unknown level {level!r} of {name}",
                        expected="one of " + ", ".join(levels),
                        hint=nearest(level, levels),
                    )
            keep &= self.table[name].isin(wanted).to_numpy()
        if unit not in ONCE:
            raise MethodError(
                f"unknown unit {unit!r}",
                expected="one of " + ", ".join(ONCE),
                hint=nearest(unit, ONCE),
            )
        found = self.table[keep]
        if unit != "estimate":
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = np.where(found["estimate"] == 0, 0, found[unit] / found["estimate"])
            found = found.assign(estimate=found[unit], std_error=found["std_error"] * scale)
        found = found.sort_values(["estimate", "id"], ignore_index=True)
        for name in known:
            found[name] = found[name].cat.remove_unused_categories()
        return found

    def save(self, path: Path | str) -> None:
        """Write one Parquet file, the same bytes for the same results."""
        declared = self.declaration.levels
        columns = wide(self.table, declared["errors"])
        about = {
            "counts": [[name, int(n)] for name, n in self.counts.items()],
            "errors": declared["errors"],
            "dropped": self.dropped.to_dict("split", index=False),
            "choices": self.choices.reset_index().to_dict("split", index=False),
            "shape": [len(levels) for levels in declared.values()],
            "declaration": self.declaration.text,
            "declaration_sha256": self.declaration.sha256,
            "data_sha256": self.data,
        }
        table = pa.table(columns).replace_schema_metadata(
            {_META: json.dumps(about, ensure_ascii=False, sort_keys=True)}
        )
        with replacing(Path(path)) as temporary:
            pq.write_table(
                table,
                temporary,
                compression="zstd",
                compression_level=19,
                use_dictionary=[name for name in columns if columns[name].dtype == np.int16],
                column_encoding={"id": "DELTA_BINARY_PACKED"}
                | {k: "BYTE_STREAM_SPLIT" for k in columns if columns[k].dtype == np.float32},
                row_group_size=1 << 20,
            )

    @staticmethod
    def file() -> Path:
        """Return where the project keeps its results."""
        return root() / "data" / "multiverse" / "results.parquet"

    @classmethod
    def load(
        cls,
        path: Path | str | None = None,
        declaration: Declaration | None = None,
        panel: Panel | None = None,
    ) -> Multiverse:
        """Read stored results, unless declaration or data have changed since.

        Parameters
        ----------
        path : path or None
            The project's ``data/multiverse/results.parquet`` when None.
        declaration : Declaration or None
            The current one; the project's own when None.
        panel : Panel or None
            The current one; the embedded figures when None.

        Raises
        ------
        nqpf.errors.SourceError
            If the file is missing or damaged, or rests on another declaration or data.
        """
        path = cls.file() if path is None else Path(path)
        note("results", [path.name])
        try:
            stored = pq.read_table(path)
            about = json.loads(stored.schema.metadata[_META])
        except (OSError, pa.ArrowInvalid, TypeError, KeyError, ValueError) as error:
            raise SourceError(
                f"stored results cannot be read: {error}",
                where={"file": path.name},
                hint="run the grid again with `make multiverse`",
            ) from error
        declaration = Declaration.load() if declaration is None else declaration
        panel = Panel.load(extra=False) if panel is None else panel
        _check_same("declaration", about["declaration_sha256"], declaration.sha256, path)
        data = data_hash(declaration, panel)
        _check_same("data", about["data_sha256"], data, path)
        choices = pd.DataFrame(**about["choices"]).set_index("variant")
        return cls(
            table=labelled(long(stored.to_pandas(), about["errors"]), declaration, choices),
            counts=pd.Series(dict(about["counts"]), name="estimates"),
            dropped=pd.DataFrame(**about["dropped"]).astype("str"),
            declaration=declaration,
            data=data,
            choices=choices,
        )

    def __repr__(self) -> str:
        return f"Multiverse of {self.counts['run']:,} estimates"

    def _repr_html_(self) -> str:
        return self.counts.to_frame().to_html()


def _check_same(what: str, stored: str, current: str, path: Path) -> None:
    if stored != current:
        raise SourceError(
            f"stored results rest on another {what}",
            where={"file": path.name, "sha256": stored[:12]},
            expected=f"{what} with sha256 {current[:12]}...",
            hint="run the grid again with `make multiverse`",
        )
