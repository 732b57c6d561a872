"""Regressions side by side, for a page, for LaTeX and as a data frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import pandas as pd

from nqpf.errors import MethodError
from nqpf.regress.ols import RegressionResult
from nqpf.regress.resample import WildBootstrap

__all__ = ["RegressionTable"]

_ROUNDING = 1e-9  # a coefficient that is a smaller share of its error is zero but for rounding
_STARS = ((0.01, "***"), (0.05, "**"), (0.10, "*"))
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}


@dataclass(frozen=True)
class RegressionTable:
    """Several regressions in one table.

    Parameters
    ----------
    results : mapping of str to RegressionResult
        Column heading and regression, in order.
    stars : bool
        Mark p < 0.10, 0.05 and 0.01. Off by default: the standard errors say more.
    digits : int
        Decimals; a smaller number is printed with as many significant digits.
    labels : mapping of str to str
        Names to print for variables.
    bootstrap : mapping of str to sequence of WildBootstrap
        Bootstrap p values to print in brackets, by column heading.
    extra : mapping of str to mapping of str to str
        Further rows at the foot: title, then text by column heading, for example the p value
        of a test. Columns left out stay empty.

    Raises
    ------
    nqpf.errors.MethodError
        If there is no regression to print, `bootstrap` or `extra` name no column, or a
        bootstrap is of another coefficient.

    Examples
    --------
    >>> from nqpf.regress import fixed_effects
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8.0]}, index=keys)
    >>> frame["y"] = frame["x"] ** 2
    >>> table = RegressionTable({"squares": fixed_effects(frame, "y", ["x"])})
    >>> table.to_frame().loc[("R2 within", ""), "squares"]
    '0.851'
    """

    results: Mapping[str, RegressionResult]
    stars: bool = False
    digits: int = 3
    labels: Mapping[str, str] = field(default_factory=dict)
    bootstrap: Mapping[str, Sequence[WildBootstrap]] = field(default_factory=dict)
    extra: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.results:
            raise MethodError("a table of no regressions", expected="at least one result")
        for heading in [*self.bootstrap, *(name for row in self.extra.values() for name in row)]:
            if heading not in self.results:
                raise MethodError(
                    f"no column {heading!r}", expected=" or ".join(map(repr, self.results))
                )
        for heading, tests in self.bootstrap.items():
            for test in tests:
                self._check_bootstrap(heading, test)

    def _check_bootstrap(self, heading: str, test: WildBootstrap) -> None:
        printed = self.results[heading].params.get(test.variable)
        # The same estimate to rounding: a p value beside another coefficient would mislead.
        if printed is None or abs(printed - test.coefficient) > 1e-8 * abs(test.coefficient):
            raise MethodError(
                f"the bootstrap of {test.variable!r} is not of column {heading!r}",
                expected="a bootstrap of the same regression",
            )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader needs to read the figures."""
        kinds = dict.fromkeys(
            (r.covariance_label, r.convention_label) for r in self.results.values()
        )
        lines = ["Standard errors in parentheses."]
        lines += [f"Standard errors {label}, convention {text}." for label, text in kinds]
        lines += self._bootstrap_notes()
        for note in dict.fromkeys(note for r in self.results.values() for note in r.notes):
            columns = [name for name, r in self.results.items() if note in r.notes]
            shared = len(columns) == len(self.results)
            lines.append(note if shared else f"{', '.join(columns)}: {note}")
        if self.stars:
            marks = ", ".join(f"{mark} p < {level:.2f}" for level, mark in reversed(_STARS))
            lines.append(f"{marks}.")
        else:
            lines.append("Significance is not starred.")
        return tuple(lines)

    def _bootstrap_notes(self) -> list[str]:
        tests = [test for column in self.bootstrap.values() for test in column]
        kinds = dict.fromkeys((test.label, test.null) for test in tests)
        return [f"P values in brackets against {null:g}: {label}." for label, null in kinds]

    def to_frame(self) -> pd.DataFrame:
        """Return the printed strings, indexed by row and statistic.

        Coefficients stand at ``(variable, "coefficient")`` and
        ``(variable, "std. error")``, bootstrap p values at ``(variable, "bootstrap p")``, the
        other rows at ``(row, "")``.
        """
        rows: dict[tuple[str, str], list[str]] = {}
        results = list(self.results.values())
        rows["Outcome", ""] = [self._label(r.outcome) for r in results]
        for name in self._variables():
            rows[self._label(name), "coefficient"] = [self._coefficient(r, name) for r in results]
            rows[self._label(name), "std. error"] = [self._error(r, name) for r in results]
            brackets = [self._bracket(heading, name) for heading in self.results]
            if any(brackets):
                rows[self._label(name), "bootstrap p"] = brackets
        for title, cells in self._foot(results).items():
            rows[title, ""] = cells
        index = pd.MultiIndex.from_tuples(rows, names=["row", "statistic"])
        return pd.DataFrame(list(rows.values()), index=index, columns=list(self.results))

    def _variables(self) -> list[str]:
        names = dict.fromkeys(name for r in self.results.values() for name in r.params.index)
        return [name for name in names if name != "const"] + ["const"] * ("const" in names)

    def _label(self, name: str) -> str:
        return self.labels.get(name, "Constant" if name == "const" else name)

    def _number(self, value: float) -> str:
        small = value != 0 and abs(value) < 10.0**-self.digits
        return f"{value:.{self.digits}g}" if small else f"{value:,.{self.digits}f}"

    def _coefficient(self, result: RegressionResult, name: str) -> str:
        if name not in result.params.index:
            return ""
        value, pvalue = result.params[name], result.pvalues[name]
        if abs(value) < _ROUNDING * result.std_errors[name]:
            value = 0.0  # the constant of centred variables, for one
        marks = [mark for level, mark in _STARS if pvalue < level] if self.stars else []
        return self._number(value) + (marks[0] if marks else "")

    def _error(self, result: RegressionResult, name: str) -> str:
        if name not in result.params.index:
            return ""
        return f"({self._number(result.std_errors[name])})"

    def _bracket(self, heading: str, name: str) -> str:
        for test in self.bootstrap.get(heading, ()):
            if test.variable == name:
                least = 1 / test.draws
                return f"[< {least:.1g}]" if test.pvalue == 0 else f"[{self._number(test.pvalue)}]"
        return ""

    def _foot(self, results: list[RegressionResult]) -> dict[str, list[str]]:
        units = " / ".join(dict.fromkeys(r.unit.capitalize() for r in results))
        times = " / ".join(dict.fromkeys(r.time.capitalize() for r in results))
        rows = {
            "Observations": [f"{r.nobs:,}" for r in results],
            f"{units} groups": [str(r.groups) for r in results],
            f"{times} periods": [str(r.periods) for r in results],
            "R2 within": [f"{r.rsquared_within:.3f}" for r in results],
            f"{units} effects": [_unit_effects(r.effects) for r in results],
            f"{times} effects": [_yes(_has_time_effects(r.effects)) for r in results],
            "Standard errors": [r.covariance_label for r in results],
            "Convention": [r.convention for r in results],
            "Data vintage": [r.vintage or "not stated" for r in results],
        }
        if len({r.estimator for r in results}) > 1 or results[0].estimator != "least squares":
            rows = {"Estimator": [r.estimator for r in results], **rows}
        for title, cells in self.extra.items():
            rows[title] = [cells.get(heading, "") for heading in self.results]
        return rows

    def _printed(self) -> list[tuple[str, list[str]]]:
        """Return heading and cells of each printed row; lines below a coefficient have none."""
        frame = self.to_frame()
        return [
            ("" if statistic in ("std. error", "bootstrap p") else row, list(cells))
            for (row, statistic), cells in zip(frame.index, frame.to_numpy(), strict=True)
        ]

    def to_html(self) -> str:
        """Return the table as HTML; every text is escaped."""
        heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.results)
        body = "".join(
            # The row of standard errors has no heading of its own.
            (f'<tr><th scope="row">{escape(title)}</th>' if title else "<tr><td></td>")
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + "</tr>\n"
            for title, cells in self._printed()
        )
        notes = "<br>".join(escape(line) for line in self.notes)
        return (
            '<div class="table-box"><table class="regression-table">\n'
            f"<thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
            f'</div>\n<p class="data-note">{notes}</p>'
        )

    _repr_html_ = to_html

    def to_latex(self) -> str:
        """Return the table as LaTeX (package booktabs); every text is escaped."""
        lines = [rf"\begin{{tabular}}{{l{'c' * len(self.results)}}}", r"\toprule"]
        lines += [_latex_row("", list(self.results)), r"\midrule"]
        lines += [_latex_row(title, cells) for title, cells in self._printed()]
        lines.append(r"\bottomrule")
        span = len(self.results) + 1
        lines += [
            rf"\multicolumn{{{span}}}{{l}}{{\footnotesize {_latex(note)}}} \\"
            for note in self.notes
        ]
        return "\n".join([*lines, r"\end{tabular}"])

    def __str__(self) -> str:
        return "\n".join([self.to_frame().to_string(), *self.notes])


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _has_time_effects(effects: str) -> bool:
    return effects in ("two-way", "time") or effects.endswith("+ time")


def _unit_effects(effects: str) -> str:
    for word in ("random", "differenced"):
        if effects.startswith(word):
            return word
    return _yes(effects in ("two-way", "unit"))


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _latex_row(title: str, cells: list[str]) -> str:
    return " & ".join(_latex(cell) for cell in [title, *cells]) + r" \\"


class _Printed:
    """A result whose `_parts` are its captioned frames, notes and tables, in order."""

    def __repr__(self) -> str:
        texts = []
        for part in self._parts():
            if isinstance(part, tuple):
                lines = [
                    x if isinstance(x, str) else x.to_string(float_format=_short) for x in part
                ]
                part = "\n".join(lines)
            texts.append(str(part))
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
