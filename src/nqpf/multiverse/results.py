"""Results of a specification grid: stored, summed up, and their variance split by choice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nqpf.checks import between, choose, distinct
from nqpf.compare.declaration import _AXES, _Declaration
from nqpf.data.catalogue import _note
from nqpf.data.panel import Panel
from nqpf.errors import DataError, SampleError, SourceError
from nqpf.files import _replacing, root
from nqpf.sample import _check_finite

_ONCE = ("estimate", "within", "partial")  # the same whatever the errors
_FIGURES = (*_ONCE, "std_error", "pvalue")
_SIZES = ("nobs", "groups", "df")


def _labelled(rows: pd.DataFrame, declaration: _Declaration, choices: pd.DataFrame) -> pd.DataFrame:
    """Return results with the choices that their identifiers stand for."""
    levels = declaration.levels
    shape = [len(values) for values in levels.values()]
    codes = dict(zip(_AXES, np.unravel_index(rows["id"].to_numpy(), shape), strict=True))
    columns: dict[str, object] = {"id": rows["id"]}
    parts = [relation.split(":") for relation in levels["relation"]]
    of_relation = {
        "direction": [direction for direction, _ in parts],
        "outcome": [name if way == "driver" else "measure" for way, name in parts],
        "determinant": [name if way == "determinant" else "measure" for way, name in parts],
        "variable": [name for _, name in parts],
    }
    for name, labels in of_relation.items():
        columns[name] = _categorical(labels, codes["relation"])
    for axis in _AXES[1:]:
        columns[axis] = pd.Categorical.from_codes(codes[axis], levels[axis])
        if axis == "measure":
            known = choices.reindex(levels["measure"]).fillna("")
            for name in choices.columns:
                columns[name] = _categorical(list(known[name]), codes["measure"])
    figures = {name: rows[name] for name in (*_ONCE, "std_error")}
    figures["pvalue"] = _pvalues(rows).astype(np.float32)
    return pd.DataFrame(columns | figures | {name: rows[name] for name in _SIZES})


def _pvalues(results: pd.DataFrame) -> np.ndarray:
    """Return two-sided p values of estimates over their standard errors."""
    from scipy import special

    size = results["estimate"].to_numpy(dtype=float) / results["std_error"].to_numpy(dtype=float)
    df = results["df"].to_numpy(dtype=float)
    return 2 * np.where(df == 0, special.ndtr(-np.abs(size)), special.stdtr(df, -np.abs(size)))


def _wide(table: pd.DataFrame, errors: Sequence[str]) -> dict[str, np.ndarray]:
    """Return a row per estimate: what is the same for all errors once, the rest by their kind.

    P values follow from the rest.
    """
    kind = table["id"].to_numpy() % len(errors)
    first = table[kind == 0]
    columns = {"id": first["id"].to_numpy(np.int32)}
    columns |= {name: first[name].to_numpy(np.float32) for name in _ONCE}
    columns |= {name: first[name].to_numpy(np.int16) for name in ("nobs", "groups")}
    for number, name in enumerate(errors):
        own = table[kind == number]
        columns[f"std_error, {name}"] = own["std_error"].to_numpy(np.float32)
        columns[f"df, {name}"] = own["df"].to_numpy(np.int16)
    return columns


def _long(stored: pd.DataFrame, errors: Sequence[str]) -> pd.DataFrame:
    """Return the rows that :func:`_wide` took together."""
    same = ["id", *_ONCE, "nobs", "groups"]
    parts = []
    for number, name in enumerate(errors):
        part = stored[same].assign(std_error=stored[f"std_error, {name}"], df=stored[f"df, {name}"])
        parts.append(part.assign(id=part["id"] + number))
    return pd.concat(parts).sort_values("id", ignore_index=True)


def _categorical(labels: list[str], codes: np.ndarray) -> pd.Categorical:
    """Return one label per code, as categories in order of first use."""
    place, categories = pd.factorize(np.array(labels, dtype=object))
    return pd.Categorical.from_codes(place[codes], categories)


_TESTED = ["direction", "variable", "scheme", "statistic"]
_SHARED = ["direction", "variable", "unit", "axis"]
_META = b"nqpf.multiverse"
_AGAIN = "run the grid again with `make multiverse`"


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
    declaration: _Declaration
    data: str
    choices: pd.DataFrame = field(repr=False)

    def curve(self, unit: str = "estimate", **choices: str | Iterable[str]) -> pd.DataFrame:
        """Return specifications of one question, by estimate from smallest to largest.

        Parameters
        ----------
        unit : {"estimate", "within", "partial"}
            Unit of ``estimate`` and, in proportion, of ``std_error`` in what is returned.
        **choices
            A level, or several, of any choice, for example ``outcome="growth"``,
            ``direction="driver"`` or ``kind="tfp"``.

        Raises
        ------
        nqpf.errors.MethodError
            If a choice, a level or the unit is unknown; the message offers the nearest.

        Examples
        --------
        ``multiverse.curve(outcome="growth", errors="clustered", effects="two-way")``
        """
        keep = np.ones(len(self.table), dtype=bool)
        known = [name for name in self.table if name not in ("id", *_FIGURES, *_SIZES)]
        for name, value in choices.items():
            choose("choice", name, known)
            wanted = [value] if isinstance(value, str) else list(value)
            for level in wanted:
                choose(f"level of {name}", level, self.table[name].cat.categories)
            keep &= self.table[name].isin(wanted).to_numpy()
        choose("unit", unit, _ONCE)
        found = self.table[keep]
        if unit != "estimate":
            scale = np.where(found["estimate"] == 0, 0, found[unit] / found["estimate"])
            found = found.assign(estimate=found[unit], std_error=found["std_error"] * scale)
        found = found.sort_values(["estimate", "id"], ignore_index=True)
        for name in known:
            found[name] = found[name].cat.remove_unused_categories()
        return found

    def save(self, path: Path | str) -> None:
        """Write one Parquet file, the same bytes for the same results."""
        declared = self.declaration.levels
        columns = _wide(self.table, declared["errors"])
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
        said = {_META: json.dumps(about, ensure_ascii=False, sort_keys=True)}
        table = pa.table(columns).replace_schema_metadata(said)
        floats = [name for name in columns if columns[name].dtype == np.float32]
        how = {"compression": "zstd", "compression_level": 19, "row_group_size": 1 << 20}
        how["use_dictionary"] = [name for name in columns if columns[name].dtype == np.int16]
        how["column_encoding"] = {"id": "DELTA_BINARY_PACKED"}
        how["column_encoding"] |= dict.fromkeys(floats, "BYTE_STREAM_SPLIT")
        with _replacing(Path(path)) as temporary:
            pq.write_table(table, temporary, **how)

    @classmethod
    def load(
        cls,
        path: Path | str | None = None,
        declaration: _Declaration | None = None,
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
        path = _stored("results.parquet") if path is None else Path(path)
        with _reading(path):
            stored = pq.read_table(path)
            about = json.loads(stored.schema.metadata[_META])
        declaration = _Declaration.load() if declaration is None else declaration
        data = declaration.data_hash(Panel.load(extra=False) if panel is None else panel)
        _check_same("declaration", about["declaration_sha256"], declaration.sha256, path)
        _check_same("data", about["data_sha256"], data, path)
        choices = pd.DataFrame(**about["choices"]).set_index("variant")
        return cls(
            table=_labelled(_long(stored.to_pandas(), about["errors"]), declaration, choices),
            counts=pd.Series(dict(about["counts"]), name="estimates"),
            dropped=pd.DataFrame(**about["dropped"]).astype("str"),
            declaration=declaration,
            data=data,
            choices=choices,
        )

    def curve_tests(self) -> pd.DataFrame:
        """Read the stored tests of each question's curve.

        Returns
        -------
        DataFrame indexed (direction, variable, scheme, statistic)
            ``observed``; the middle 95 % of the null distribution; ``p``; ``specifications``,
            ``resamples`` and ``seed``.

        Raises
        ------
        nqpf.errors.SourceError
            If the file is missing or damaged, or rests on another declaration or data.
        """
        return self._beside(_stored("curve_tests.csv"), _TESTED)

    def disagreement(self) -> pd.DataFrame:
        """Read the stored shares of each choice.

        Returns
        -------
        DataFrame indexed (direction, variable, unit, axis)
            ``first_order`` and ``total`` share of each axis, see
            :func:`nqpf.multiverse.variance_shares`.

        Raises
        ------
        nqpf.errors.SourceError
            If the file is missing or damaged, or rests on another declaration or data.
        """
        return self._beside(_stored("shares.csv"), _SHARED)

    def _beside(self, path: Path, keys: list[str]) -> pd.DataFrame:
        with _reading(path):
            table = pd.read_csv(path).set_index(keys)
            stamps = table[["declaration", "data"]].astype(str).iloc[0]
        _check_same("declaration", stamps["declaration"], self.declaration.sha256, path)
        _check_same("data", stamps["data"], self.data, path)
        return table.drop(columns=["declaration", "data"])

    def __repr__(self) -> str:
        return f"Multiverse of {self.counts['run']:,} estimates"


def _stored(name: str) -> Path:
    """Return where the project keeps its results, by the name of the file."""
    return root() / "data" / "multiverse" / name


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Note that a stored file is used, and say so when it cannot be read."""
    _note("results", [path.name])
    try:
        yield
    except (OSError, TypeError, LookupError, ValueError) as error:
        problem, where = f"stored results cannot be read: {error}", {"file": path.name}
        raise SourceError(problem, where=where, hint=_AGAIN) from error


def _check_same(what: str, stored: str, current: str, path: Path) -> None:
    if stored != current:
        problem = f"stored results rest on another {what}"
        where = {"file": path.name, "sha256": stored[:12]}
        expected = f"{what} with sha256 {current[:12]}..."
        raise SourceError(problem, where=where, expected=expected, hint=_AGAIN)


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
        ``high`` (5 and 95 % quantiles) and the shares ``significant_positive``,
        ``significant_negative``. Shares count specifications, which are not independent evidence.

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
    level = between("level", level, 0, 1, open_ends=True)
    _check(table, by, ("estimate", "pvalue"))
    sure = table["pvalue"] < level
    marks = table[by].assign(
        estimate=table["estimate"],
        significant_positive=sure & (table["estimate"] > 0),
        significant_negative=sure & (table["estimate"] < 0),
    )
    groups = marks.groupby(by or (lambda _: "all"), observed=True, dropna=False, sort=True)
    own, signs = groups["estimate"], groups[["significant_positive", "significant_negative"]]
    described = {"specifications": groups.size(), "median": own.median()}
    described |= {"low": own.quantile(0.05), "high": own.quantile(0.95)}
    return pd.DataFrame(described).join(signs.mean())


def _check(table: pd.DataFrame, choices: Sequence[str], figures: Sequence[str]) -> None:
    """Refuse a table that is empty, lacks a column or has a row without one of the figures."""
    for name in (*choices, *figures):
        choose("column", name, list(table.columns), DataError)
    if table.empty:
        raise SampleError("an empty table", expected="a row or more")
    _check_finite(table[list(figures)], "the table of specifications")


# Names of the units on pages, and the column of the results; ranks are those of the second.
_UNITS = {"pooled": "estimate", "partial": "partial", "within": "within", "ranks": "partial"}
_DECOMPOSED = ("measure", "transformation", "effects", "controls", "sample", "vintage")


@dataclass(frozen=True)
class _VarianceShares:
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
        another one is zero by construction.
    unexplained : float
        Share that varies among rows in which all axes are the same.
    filled : float
        Share of the combinations of levels that occur.
    """

    shares: pd.DataFrame
    unexplained: float
    filled: float

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
    table: pd.DataFrame, axes: Sequence[str], estimate: str = "estimate"
) -> _VarianceShares:
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
    column with it, such as ``measure``, or be decomposed on the rows where they exist. What
    varies among rows with the same choices is in ``unexplained`` and in no axis; a total of zero
    beside ``compared`` = 0 reads as "cannot be told", not as "does not matter".

    Parameters
    ----------
    table : DataFrame
        One row per specification; a missing choice is a level of its own (the
        choice does not apply).
    axes : sequence of str
        Columns of choices.
    estimate : str
        Column to decompose. Estimates must be in one unit.

    Returns
    -------
    An object with ``shares`` (``first_order``, ``total``, ``levels`` and ``compared`` by axis),
    ``unexplained``, ``filled``, ``interactions`` and ``to_frame``, which sorts.

    Raises
    ------
    nqpf.errors.DataError
        If a column is unknown or the estimate not numeric.
    nqpf.errors.SampleError
        If an estimate is missing or infinite, or all are the same.
    nqpf.errors.MethodError
        If there is no axis, one comes twice, or one is the estimate.

    Examples
    --------
    >>> table = pd.DataFrame({"measure": list("aabb"), "controls": list("xyxy"),
    ...                       "estimate": [0.0, 1.0, 3.0, 4.0]})
    >>> variance_shares(table, ["measure", "controls"]).shares["first_order"].tolist()
    [0.9, 0.1]
    """
    axes = distinct("axes", axes)
    distinct("axes and the estimate", [*axes, estimate])
    _check(table, axes, [estimate])
    y = table[estimate].to_numpy(dtype=float)
    if not y.max() > y.min():
        raise SampleError("the estimate does not vary", expected="two or more values")
    y = y - y.mean()
    coded = {name: pd.factorize(table[name], use_na_sentinel=False)[0] for name in axes}
    choices = pd.DataFrame(coded)
    everything = _codes(choices, axes)
    first = np.unique(everything, return_index=True)[1]
    variance, whole = float(y @ y) / len(y), _between(y, everything)
    rows = {}
    for name, code in coded.items():
        others = _codes(choices, [other for other in axes if other != name])
        rows[name] = {
            "levels": code.max() + 1,
            "first_order": _between(y, code) / variance,
            "total": max(whole - _between(y, others), 0.0) / variance,
            "compared": (np.bincount(others[first])[others] > 1).mean(),
        }
    shares = pd.DataFrame.from_dict(rows, orient="index").rename_axis("axis")
    filled = len(first) / prod(shares["levels"].tolist())
    return _VarianceShares(shares, max(1 - whole / variance, 0.0), filled)


def _codes(choices: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Return an integer per combination of the columns' values, without a column 0 for all."""
    if not columns:
        return np.zeros(len(choices), dtype=np.int64)
    return choices.groupby(columns, sort=False).ngroup().to_numpy()


def _between(y: np.ndarray, code: np.ndarray) -> float:
    """Return the variance of the group means of `y`, whose mean is zero."""
    return float((np.bincount(code, y) ** 2 / np.bincount(code)).sum()) / len(y)


def _disagreement(multiverse: Multiverse) -> pd.DataFrame:
    """Split the variance of the estimates of each question by choice, in four units.

    Standard deviations over the rows of the regression (``pooled``) do not compare once effects
    of provinces and years are removed, since measures and transformations differ in how much
    of them is left. ``partial`` is the partial correlation, ``within`` counts in standard
    deviations of what the effects leave, and ``ranks`` puts the partial correlations of a
    question in order, so that no distance counts.
    """
    table = multiverse.curve(errors=multiverse.declaration.levels["errors"][0])
    parts = []
    for (direction, variable), own in table.groupby(["direction", "variable"], observed=True):
        for unit, column in _UNITS.items():
            values = own[column].astype(float)
            values = values.rank() if unit == "ranks" else values
            shares = variance_shares(own.assign(effect=values), _DECOMPOSED, estimate="effect")
            rows = shares.shares[["first_order", "total"]].reset_index()
            parts.append(rows.assign(direction=direction, variable=variable, unit=unit))
    rows = pd.concat(parts, ignore_index=True)
    return rows[["direction", "variable", "unit", "axis", "first_order", "total"]]
