"""Regressions side by side, for a page and as a data frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pandas as pd

from nqpf.checks import distinct

_ROUNDING = 1e-9  # a coefficient that is a smaller share of its error is zero but for rounding
_DIGITS = 3  # decimals; a smaller number is printed with as many significant digits


@dataclass(frozen=True)
class RegressionTable:
    """Several regressions in one table.

    Parameters
    ----------
    results : mapping of str to regression
        Column heading and regression, in order: what :func:`nqpf.regress.fixed_effects` returns,
        or any object with the attributes that are printed.
    labels : mapping of str to str
        Names to print for variables.

    Raises
    ------
    nqpf.errors.MethodError
        If there is no regression to print.

    Examples
    --------
    >>> from nqpf.regress.ols import fixed_effects
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8.0]}, index=keys)
    >>> frame["y"] = frame["x"] ** 2
    >>> table = RegressionTable({"squares": fixed_effects(frame, "y", ["x"])})
    >>> table.to_frame().loc[("R2 within", ""), "squares"]
    '0.851'
    """

    results: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        distinct("regressions of a table", list(self.results))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader needs to read the figures."""
        results = self.results.values()
        kinds = dict.fromkeys((r.covariance_label, r.convention_label) for r in results)
        lines = ["Standard errors in parentheses."]
        lines += [f"Standard errors {label}, convention {text}." for label, text in kinds]
        for note in dict.fromkeys(note for r in results for note in r.notes):
            columns = [name for name, r in self.results.items() if note in r.notes]
            shared = len(columns) == len(self.results)
            lines.append(note if shared else f"{', '.join(columns)}: {note}")
        return (*lines, "Significance is not starred.")  # the standard errors say more

    def to_frame(self) -> pd.DataFrame:
        """Return the printed strings, indexed by row and statistic.

        Coefficients stand at ``(variable, "coefficient")`` and ``(variable, "std. error")``, the
        other rows at ``(row, "")``.
        """
        results = list(self.results.values())
        rows = {("Outcome", ""): [self._label(r.outcome) for r in results]}
        names = dict.fromkeys(name for r in results for name in r.params.index)
        for name in sorted(names, key=lambda name: name == "const"):  # the constant ends them
            cells = [_cells(r, name) for r in results]
            rows[self._label(name), "coefficient"] = [coefficient for coefficient, _ in cells]
            rows[self._label(name), "std. error"] = [error for _, error in cells]
        unit = " / ".join(dict.fromkeys(r.unit.capitalize() for r in results))
        time = " / ".join(dict.fromkeys(r.time.capitalize() for r in results))
        if {r.estimator for r in results} != {"least squares"}:
            rows["Estimator", ""] = [r.estimator for r in results]
        foot = {
            "Observations": [f"{r.nobs:,}" for r in results],
            f"{unit} groups": [str(r.groups) for r in results],
            f"{time} periods": [str(r.periods) for r in results],
            "R2 within": [f"{r.rsquared_within:.3f}" for r in results],
            f"{unit} effects": [_unit_effects(r.effects) for r in results],
            f"{time} effects": [_time_effects(r.effects) for r in results],
            "Standard errors": [r.covariance_label for r in results],
            "Convention": [r.convention for r in results],
            "Data vintage": [r.vintage or "not stated" for r in results],
        }
        own = [getattr(r, "foot", {}) for r in results]  # rows that an estimator adds
        for title in dict.fromkeys(title for cells in own for title in cells):
            foot[title] = [cells.get(title, "") for cells in own]
        rows |= {(title, ""): cells for title, cells in foot.items()}
        index = pd.MultiIndex.from_tuples(rows, names=["row", "statistic"])
        return pd.DataFrame(list(rows.values()), index=index, columns=list(self.results))

    def _label(self, name: str) -> str:
        return self.labels.get(name, "Constant" if name == "const" else name)

    def to_html(self) -> str:
        """Return the table as HTML; every text is escaped."""
        heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.results)
        body = ""
        for (title, statistic), cells in self.to_frame().iterrows():
            # The row of standard errors has no heading of its own.
            headed = f'<th scope="row">{escape(title)}</th>'
            body += f"<tr>{'<td></td>' if statistic == 'std. error' else headed}"
            body += "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>\n"
        notes = "<br>".join(escape(line) for line in self.notes)
        return (
            '<div class="table-box"><table class="regression-table">\n'
            f"<thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
            f'</div>\n<p class="data-note">{notes}</p>'
        )

    _repr_html_ = to_html

    def __str__(self) -> str:
        return "\n".join([self.to_frame().to_string(), *self.notes])


def _cells(result: Any, name: str) -> tuple[str, str]:
    """Return coefficient and standard error as printed, empty where there is none."""
    if name not in result.params.index:
        return "", ""
    value, error = result.params[name], result.std_errors[name]
    if abs(value) < _ROUNDING * error:
        value = 0.0  # the constant of centred variables, for one
    return _number(value), f"({_number(error)})"


def _number(value: float) -> str:
    small = value != 0 and abs(value) < 10.0**-_DIGITS
    return f"{value:.{_DIGITS}g}" if small else f"{value:,.{_DIGITS}f}"


def _time_effects(effects: str) -> str:
    return "yes" if effects in ("two-way", "time") or effects.endswith("+ time") else "no"


def _unit_effects(effects: str) -> str:
    return {"two-way": "yes", "unit": "yes", "differenced + time": "differenced"}.get(effects, "no")


class _Printed:
    """A result whose `_parts` are its captioned frames, notes and tables, in order."""

    def __repr__(self) -> str:
        texts = []
        for part in self._parts():
            lines = list(part) if isinstance(part, tuple) else [part]
            if isinstance(lines[-1], pd.DataFrame):
                lines[-1] = lines[-1].to_string(float_format=_short)
            texts.append("\n".join(map(str, lines)))
        return "\n\n".join(texts)

    def _repr_html_(self) -> str:
        texts = []
        for part in self._parts():
            if not isinstance(part, tuple):
                texts.append(part._repr_html_())
            elif isinstance(part[-1], str):
                texts.append(f'<p class="data-note">{"<br>".join(map(escape, part))}</p>')
            else:
                table = part[1].to_html(float_format=_short)
                texts.append(f'<p class="data-note">{escape(part[0])}.</p>')
                texts.append(f'<div class="table-box">{table}</div>')
        return "".join(texts)


def _short(value: float) -> str:
    return f"{value:.4g}"
