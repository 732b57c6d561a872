"""The stored results of a specification grid."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb, prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nqpf.compare.declaration import AXES, REASONS, Declaration, data_hash
from nqpf.data.catalogue import note
from nqpf.data.panel import Panel
from nqpf.errors import DataError, MethodError, SampleError, SourceError
from nqpf.files import replacing, root
from nqpf.sample import nearest

if TYPE_CHECKING:
    from nqpf.multiverse.grid import SpecificationGrid

__all__ = [
    "DECOMPOSED",
    "FIGURES",
    "MOST_SHAPLEY",
    "Multiverse",
    "ONCE",
    "SIZES",
    "UNITS",
    "VarianceShares",
    "curve_summary",
    "disagreement",
    "labelled",
    "long",
    "variance_shares",
    "wide",
]

ONCE = ("estimate", "within", "partial")  # the same whatever the errors
FIGURES = (*ONCE, "std_error", "pvalue")
SIZES = ("nobs", "groups", "df")


def labelled(
    results: pd.DataFrame, declaration: Declaration, choices: pd.DataFrame
) -> pd.DataFrame:
    """Return results with the choices that their identifiers stand for."""
    levels = declaration.levels
    shape = [len(values) for values in levels.values()]
    if len(results) and results["id"].max() >= np.prod(shape):
        raise DataError("an identifier lies outside of the declared grid")
    codes = dict(zip(AXES, np.unravel_index(results["id"].to_numpy(), shape), strict=True))
    columns: dict[str, object] = {"id": results["id"]}
    parts = [relation.split(":") for relation in levels["relation"]]
    of_relation = {
        "direction": [direction for direction, _ in parts],
        "outcome": [name if way == "driver" else "measure" for way, name in parts],
        "determinant": [name if way == "determinant" else "measure" for way, name in parts],
        "variable": [name for _, name in parts],
    }
    for name, labels in of_relation.items():
        columns[name] = _categorical(labels, codes["relation"])
    for axis in AXES[1:]:
        columns[axis] = pd.Categorical.from_codes(codes[axis], levels[axis])
        if axis == "measure":
            known = choices.reindex(levels["measure"]).fillna("")
            for name in choices.columns:
                columns[name] = _categorical(list(known[name]), codes["measure"])
    figures = {name: results[name] for name in (*ONCE, "std_error")}
    figures["pvalue"] = _pvalues(results).astype(np.float32)
    return pd.DataFrame(columns | figures | {name: results[name] for name in SIZES})


def _pvalues(results: pd.DataFrame) -> np.ndarray:
    """Return two-sided p values of estimates over their standard errors."""
    from scipy import special

    size = results["estimate"].to_numpy(dtype=float) / results["std_error"].to_numpy(dtype=float)
    df = results["df"].to_numpy(dtype=float)
    below = np.where(df == 0, special.ndtr(-np.abs(size)), special.stdtr(df, -np.abs(size)))
    return 2 * below


def wide(table: pd.DataFrame, errors: Sequence[str]) -> dict[str, np.ndarray]:
    """Return a row per estimate: what is the same for all errors once, the rest by their kind.

    P values follow from the rest.
    """
    kind = table["id"].to_numpy() % len(errors)
    first = table[kind == 0]
    if len(first) * len(errors) != len(table):
        raise DataError("an estimate lacks one of its standard errors")
    columns = {"id": first["id"].to_numpy(np.int32)}
    columns |= {name: first[name].to_numpy(np.float32) for name in ONCE}
    columns |= {name: first[name].to_numpy(np.int16) for name in ("nobs", "groups")}
    for number, name in enumerate(errors):
        own = table[kind == number]
        columns[f"std_error, {name}"] = own["std_error"].to_numpy(np.float32)
        columns[f"df, {name}"] = own["df"].to_numpy(np.int16)
    return columns


def long(stored: pd.DataFrame, errors: Sequence[str]) -> pd.DataFrame:
    """Return the rows that :func:`wide` took together."""
    same = ["id", *ONCE, "nobs", "groups"]
    parts = []
    for number, name in enumerate(errors):
        part = stored[same].assign(std_error=stored[f"std_error, {name}"], df=stored[f"df, {name}"])
        parts.append(part.assign(id=part["id"] + number))
    return pd.concat(parts).sort_values("id", ignore_index=True)


def _categorical(labels: list[str], codes: np.ndarray) -> pd.Categorical:
    """Return one label per code, as categories in order of first use."""
    categories = list(dict.fromkeys(labels))
    place = np.array([categories.index(label) for label in labels])
    return pd.Categorical.from_codes(place[codes], categories)


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


def curve_summary(
    table: pd.DataFrame, by: str | Sequence[str] = (), level: float = 0.05
) -> pd.DataFrame:
    """Describe a specification curve, whole or by choices.

    Parameters
    ----------
    table : DataFrame
        One row per specification with ``estimate`` and ``pvalue``.
    by : str or sequence of str
        Columns of choices; a missing choice (it does not apply) is a group of its own.
    level : float
        Level at which one specification is significant.

    Returns
    -------
    DataFrame
        A row per group, or one called "all": ``specifications``, ``median``, ``low`` and
        ``high`` (5 and 95 % quantiles), ``sign`` (of most estimates), ``same_sign`` (share that
        has it) and the shares ``significant_positive``, ``significant_negative``. Shares count
        specifications, which are not independent evidence.

    Raises
    ------
    nqpf.errors.DataError
        If a column is missing.
    nqpf.errors.SampleError
        If there is no row, or an estimate or p value is missing.
    nqpf.errors.MethodError
        If `level` is not between 0 and 1.

    Examples
    --------
    >>> table = pd.DataFrame({"kind": ["tfp", "tfp", "composite"], "estimate": [0.2, 0.1, -0.3],
    ...                       "pvalue": [0.01, 0.2, 0.04]})
    >>> curve_summary(table, "kind")[["median", "significant_positive"]].round(2)
               median  significant_positive
    kind
    composite   -0.30                   0.0
    tfp          0.15                   0.5
    """
    by = [by] if isinstance(by, str) else list(by)
    for name in (*by, "estimate", "pvalue"):
        if name not in table.columns:
            hint = nearest(name, map(str, table.columns))
            raise DataError(f"no column {name!r}", expected="a column of the table", hint=hint)
    figures = table[["estimate", "pvalue"]]
    gaps = np.flatnonzero(~np.isfinite(figures.to_numpy(dtype=float, na_value=np.nan)).all(axis=1))
    if len(gaps) or not len(table):
        raise SampleError(
            f"{len(gaps)} row(s) without estimate or p value" if len(gaps) else "an empty table",
            where={"row": table.index[gaps[0]]} if len(gaps) else None,
            expected="an estimate and a p value in every row",
            hint="leave out specifications that could not be estimated, and say so",
        )
    if not 0 < level < 1:
        raise MethodError(f"level {level!r}", expected="a number between 0 and 1")
    sure = table["pvalue"] < level
    marks = table[by].assign(
        estimate=table["estimate"],
        positive=table["estimate"] > 0,
        negative=table["estimate"] < 0,
        significant_positive=sure & (table["estimate"] > 0),
        significant_negative=sure & (table["estimate"] < 0),
    )
    groups = marks.groupby(by or (lambda _: "all"), observed=True, dropna=False, sort=True)
    shares = groups[["positive", "negative", "significant_positive", "significant_negative"]].mean()
    result = pd.DataFrame(
        {
            "specifications": groups.size(),
            "median": groups["estimate"].median(),
            "low": groups["estimate"].quantile(0.05),
            "high": groups["estimate"].quantile(0.95),
            "sign": np.where(shares["positive"] >= shares["negative"], 1, -1),
            "same_sign": shares[["positive", "negative"]].max(axis=1),
        }
    )
    return result.join(shares[["significant_positive", "significant_negative"]])


MOST_SHAPLEY = 10  # axes; each one more doubles the work
_LARGEST = 2**62  # codes of combined choices stay below it


@dataclass(frozen=True)
class VarianceShares:
    """Shares of the variance of an estimate, by choice.

    Attributes
    ----------
    shares : DataFrame by axis
        ``levels``: how many the axis has. ``first_order``: the variance of the
        mean estimate by level, over the variance. ``total``: what is left to
        explain once every other axis is known and this one is not.
        ``compared``: share of the rows for which the table also holds another
        level of the axis with all other choices the same; where it is small,
        `total` rests on few comparisons and a share of an axis nested in
        another one is zero by construction. ``shapley``, when asked for.
    variance : float
        Of the estimate over the rows, divided by their number.
    unexplained : float
        Share that varies among rows in which all axes are the same.
    nobs : int
        Rows.
    filled : float
        Share of the combinations of levels that occur.
    balanced : bool
        Every combination occurs, and equally often. First-order shares then
        add up to at most one; otherwise the axes go together and they need not.
    """

    shares: pd.DataFrame
    variance: float
    unexplained: float
    nobs: int
    filled: float
    balanced: bool

    @property
    def interactions(self) -> float:
        """Share that no axis explains alone: 1 - unexplained - sum of first-order shares.

        Negative when the choices of an unbalanced table overlap.
        """
        return 1 - self.unexplained - float(self.shares["first_order"].sum())

    def to_frame(self) -> pd.DataFrame:
        """Return the shares, the largest total first."""
        return self.shares.sort_values(["total", "first_order"], ascending=False, kind="stable")

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.3f}".format)


def variance_shares(
    table: pd.DataFrame,
    axes: Sequence[str] | Mapping[str, Sequence[str]],
    estimate: str = "estimate",
    shapley: bool = False,
) -> VarianceShares:
    """Decompose the variance of an estimate over the choices that led to it.

    With V the variance over rows, an axis a and all other axes ~a::

        first order  V(E[estimate | a]) / V
        total        (V(E[estimate | all]) - V(E[estimate | ~a])) / V

    the functional analysis of variance of Sobol (1993) and, for the total,
    Homma and Saltelli (1996). When every combination of choices stands in one
    row, V(E[estimate | all]) is V. On a balanced table the first-order share is
    an axis's type II sum of squares over the total one. On any other table
    axes go together, and a share includes what an axis carries of others.

    Choices that exist only under another one, such as the weights of a
    composite or the estimator of a productivity measure, should enter as one
    axis with it, as ``{"measure": ["kind", "system", "estimator"]}``, or be
    decomposed on the rows where they exist.

    Parameters
    ----------
    table : DataFrame
        One row per specification; a missing choice is a level of its own (the
        choice does not apply).
    axes : sequence of str, or mapping of str to sequence of str
        Columns of choices, or names of axes with the columns that make them.
    estimate : str
        Column to decompose. Estimates must be in one unit.
    shapley : bool
        Add Shapley shares, which add up to 1 - unexplained on any table
        (Owen 2014): the mean gain in V(E[estimate | axes]) / V over the orders
        in which axes can become known. Doubles in time with each axis.

    Returns
    -------
    VarianceShares

    Raises
    ------
    nqpf.errors.DataError
        If a column is unknown or the estimate not numeric.
    nqpf.errors.SampleError
        If an estimate is missing or infinite, or all are the same.
    nqpf.errors.MethodError
        If there is no axis, a column is in two axes, or there are too many
        axes for Shapley shares.

    Examples
    --------
    >>> table = pd.DataFrame({"measure": list("aabb"), "controls": list("xyxy"),
    ...                       "estimate": [0.0, 1.0, 3.0, 4.0]})
    >>> variance_shares(table, ["measure", "controls"]).shares["first_order"].tolist()
    [0.9, 0.1]
    """
    groups = _groups(axes)
    y = _centred(table, [c for columns in groups.values() for c in columns], estimate)
    codes = {name: _codes(table, columns) for name, columns in groups.items()}
    if shapley and len(codes) > MOST_SHAPLEY:
        raise MethodError(
            f"Shapley shares of {len(codes)} axes",
            expected=f"at most {MOST_SHAPLEY}",
            hint="join columns into fewer axes",
        )
    variance = float(y @ y) / len(y)
    everything = _joined(list(codes.values()))
    whole = _between(y, everything)
    rows = {}
    for name, (code, levels) in codes.items():
        others = _joined([codes[other] for other in codes if other != name])
        rows[name] = {
            "levels": levels,
            "first_order": _between(y, code) / variance,
            "total": max(whole - _between(y, others), 0.0) / variance,
            "compared": _compared(others, everything),
        }
    shares = pd.DataFrame.from_dict(rows, orient="index").rename_axis("axis")
    if shapley:
        shares["shapley"] = _shapley(y, list(codes.values())) / variance
    counts = np.bincount(everything)
    filled = len(counts) / prod(levels for _, levels in codes.values())
    return VarianceShares(
        shares=shares,
        variance=variance,
        unexplained=max(1 - whole / variance, 0.0),
        nobs=len(y),
        filled=filled,
        balanced=bool(filled == 1 and counts.min() == counts.max()),
    )


def _groups(axes: Sequence[str] | Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    if isinstance(axes, str):
        axes = [axes]
    if isinstance(axes, Mapping):
        groups = {str(k): [v] if isinstance(v, str) else list(v) for k, v in axes.items()}
    else:
        groups = {name: [name] for name in axes}
        if len(groups) < len(axes):
            raise MethodError("an axis is named twice", expected="axes that all differ")
    if not groups or not all(groups.values()):
        raise MethodError("no axis, or an axis without columns", expected="at least one column")
    columns = [column for group in groups.values() for column in group]
    double = [column for column in columns if columns.count(column) > 1]
    if double:
        raise MethodError(f"column {double[0]!r} is in two axes", expected="each column once")
    return groups


def _centred(table: pd.DataFrame, columns: list[str], estimate: str) -> np.ndarray:
    """Return the estimates less their mean, having checked the table."""
    for name in (*columns, estimate):
        if name not in table.columns:
            raise DataError(
                f"unknown column {name!r}",
                expected="a column of the table",
                hint=nearest(name, map(str, table.columns)),
            )
    if estimate in columns:
        raise MethodError(f"{estimate!r} is both the estimate and a choice")
    if not pd.api.types.is_numeric_dtype(table[estimate]):
        raise DataError("estimates that are not numbers", where={"column": estimate})
    y = table[estimate].to_numpy(dtype=float, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(y))
    if len(bad):
        raise SampleError(
            f"{len(bad)} missing or infinite estimate(s)",
            where={"row": table.index[bad[0]], "column": estimate},
            hint="leave these specifications out and say so",
        )
    if not (len(y) and y.max() > y.min()):
        raise SampleError("the estimate does not vary", expected="two or more values")
    return y - y.mean()


def _codes(table: pd.DataFrame, columns: list[str]) -> tuple[np.ndarray, int]:
    """Return an integer per combination of the columns' values, and how many occur."""
    parts = []
    for column in columns:
        code, values = pd.factorize(table[column], use_na_sentinel=False)
        parts.append((code.astype(np.int64), len(values)))
    code = _joined(parts)
    return code, int(code.max()) + 1


def _joined(parts: list[tuple[np.ndarray, int]]) -> np.ndarray:
    """Return an integer per combination of codes, numbered from 0 without a gap."""
    if not parts:
        return np.zeros(1, dtype=np.int64)
    code, size = parts[0]
    for other, levels in parts[1:]:
        if size * levels > _LARGEST:
            code, values = pd.factorize(code)
            size = len(values)
        code, size = code * levels + other, size * levels
    return pd.factorize(code)[0]


def _between(y: np.ndarray, code: np.ndarray) -> float:
    """Return the variance of the group means of `y`, whose mean is zero."""
    if len(code) < len(y):  # no axis is known
        return 0.0
    sums, counts = np.bincount(code, y), np.bincount(code)
    return float((sums**2 / counts).sum()) / len(y)


def _compared(others: np.ndarray, everything: np.ndarray) -> float:
    """Return the share of rows whose other choices occur with two or more levels."""
    if len(others) < len(everything):  # the only axis: any other level compares
        return float(everything.max() > 0)
    first = np.unique(everything, return_index=True)[1]
    levels = np.bincount(others[first])
    return float((levels[others] > 1).mean())


def _shapley(y: np.ndarray, codes: list[tuple[np.ndarray, int]]) -> np.ndarray:
    """Return the Shapley value of each axis in the game S -> variance of E[y | S]."""
    size = len(codes)
    worth = {}
    for count in range(size + 1):
        for known in combinations(range(size), count):
            worth[known] = _between(y, _joined([codes[i] for i in known]))
    values = np.zeros(size)
    for known, value in worth.items():
        for i in range(size):
            if i not in known:
                gain = worth[tuple(sorted((*known, i)))] - value
                values[i] += gain / (size * comb(size - 1, len(known)))
    return values


# Names of the units on pages, and the column of the results; ranks are those of the second.
UNITS = {"pooled": "estimate", "partial": "partial", "within": "within", "ranks": "partial"}
DECOMPOSED = ("measure", "transformation", "effects", "controls", "sample", "vintage")


def disagreement(multiverse: Multiverse) -> pd.DataFrame:
    """Split the variance of the estimates of each question by choice, in four units.

    Standard deviations over the rows of the regression (``pooled``) do not compare once effects
    of provinces and years are removed, since measures and transformations differ in how much
    of them is left. ``partial`` is the partial correlation, ``within`` counts in standard
    deviations of what the effects leave, and ``ranks`` puts the partial correlations of a
    question in order, so that no distance counts.

    Parameters
    ----------
    multiverse : Multiverse

    Returns
    -------
    DataFrame
        ``direction``, ``variable``, ``unit``, ``axis``; ``first_order`` and ``total``, as
        :func:`nqpf.multiverse.variance_shares` gives them.

    Raises
    ------
    nqpf.errors.SampleError
        If the estimates of a question are all the same.
    """
    table = multiverse.curve(errors=multiverse.declaration.levels["errors"][0])
    parts = []
    for (direction, variable), own in table.groupby(["direction", "variable"], observed=True):
        for unit, column in UNITS.items():
            values = own[column].astype(float)
            values = values.rank() if unit == "ranks" else values
            shares = variance_shares(own.assign(effect=values), DECOMPOSED, estimate="effect")
            rows = shares.shares[["first_order", "total"]].reset_index()
            parts.append(rows.assign(direction=direction, variable=variable, unit=unit))
    rows = pd.concat(parts, ignore_index=True)
    return rows[["direction", "variable", "unit", "axis", "first_order", "total"]]
