"""The declared grid of the multiverse as tables: every level and the reason for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nqpf.report.html import Html, both_names, table

if TYPE_CHECKING:
    from nqpf.compare import Declaration

__all__ = ["declaration_table", "declared_variables"]


def declaration_table(declaration: Declaration) -> Html:
    """Return the axes of a declared grid, their levels and why each is there.

    Parameters
    ----------
    declaration : Declaration

    Examples
    --------
    >>> from nqpf.compare import Declaration
    >>> "driscoll-kraay" in declaration_table(Declaration.load()).text
    True
    """
    grid = declaration.grid
    rows: list[list[object]] = [["Measures: fifteen systems, recipes, TFP"]]
    rows.append([", ".join(grid.measures.systems.keys), grid.measures.systems.why])
    for one in grid.measures.recipes:
        level = f"{one.normalise}; {', '.join(one.weights)}; {', '.join(one.aggregate)}"
        rows.append([level, one.why])
    rows += _levels(grid.measures.estimators)
    rows.append(["Capital of the TFP measures"])
    rows += _levels(grid.measures.capital)
    for name, relation in (("Drivers", grid.driver), ("Determinants", grid.determinant)):
        rows.append([f"{name}: the other variable of the regression"])
        rows.append([", ".join(relation.variables), relation.why])
    axes = {
        "Vintage of the national accounts": grid.vintages,
        "Transformation": grid.transformations,
        "Sample": grid.samples,
        "Effects": grid.effects,
        "Controls": grid.controls,
        "Standard errors": grid.errors,
        "Rules": grid.rules,
    }
    for name, levels in axes.items():
        rows.append([name])
        rows += _levels(levels)
    return table(["level", "why"], rows)


def _levels(levels: object) -> list[list[object]]:
    return [[one.key, one.why] for one in levels]  # type: ignore[attr-defined]


def declared_variables(declaration: Declaration) -> Html:
    """Return outcomes, determinants and controls with their formulas over the panel.

    Parameters
    ----------
    declaration : Declaration
    """
    rows = []
    for one in declaration.grid.variables.values():
        formula = f"log({one.formula})" if one.log else one.formula
        rows.append([both_names(one.name.en, one.name.zh), formula])
    return table(["variable", "formula over the panel"], rows)
