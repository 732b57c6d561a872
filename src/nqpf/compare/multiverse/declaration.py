"""The declared grid: every choice and its reason, written down before anything is run."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from nqpf import provinces
from nqpf.compare.multiverse.levels import Grid
from nqpf.compare.multiverse.productivity import ESTIMATORS, VARIABLES, CapitalRule
from nqpf.compare.multiverse.variants import Block
from nqpf.errors import CardError
from nqpf.paths import root
from nqpf.systems import Formula, available
from nqpf.systems.cardfile import label, read_card
from nqpf.tfp.sample import nearest

__all__ = ["AXES", "Declaration"]

# Choices of a specification, the slowest first: an identifier counts through them in this order.
AXES = (
    "relation",
    "vintage",
    "transformation",
    "sample",
    "effects",
    "controls",
    "measure",
    "errors",
)


@dataclass(frozen=True)
class Declaration:
    """The grid with the text it was read from, line ends made the same on every platform.

    Attributes
    ----------
    grid : Grid
    text : str
        The file as it is but for its line ends.

    Examples
    --------
    >>> declaration = Declaration.load()
    >>> [one.key for one in declaration.grid.transformations]
    ['level', 'log', 'rank', 'difference']
    """

    grid: Grid
    text: str

    @classmethod
    def load(cls, path: Path | None = None) -> Declaration:
        """Read and check a declaration.

        Parameters
        ----------
        path : Path or None
            The project's ``data/multiverse/grid.yaml`` when None.

        Raises
        ------
        nqpf.errors.CardError
            If the file is not valid, a key is there twice, or a name is unknown.
        nqpf.errors.MethodError
            If a recipe names an unknown method.
        nqpf.errors.FormulaError
            If a formula is not plain arithmetic.
        """
        path = root() / "data" / "multiverse" / "grid.yaml" if path is None else Path(path)
        grid = read_card(path, Grid)
        _check(grid, label(path))
        return cls(grid, "\n".join(path.read_text(encoding="utf-8-sig").splitlines()) + "\n")

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def recipes(self) -> tuple[Block, ...]:
        """Blocks of recipes, as :func:`nqpf.compare.variants` takes them."""
        return _blocks(self.grid)

    @property
    def capital(self) -> tuple[CapitalRule, ...]:
        """Rules of capital, as :func:`nqpf.compare.variants` takes them."""
        return tuple(
            CapitalRule(one.key, one.start, one.depreciation, one.initial)
            for one in self.grid.measures.capital
        )

    @property
    def estimators(self) -> tuple[str, ...]:
        """Names of the estimators of TFP."""
        return tuple(one.key for one in self.grid.measures.estimators)

    @property
    def measures(self) -> list[str]:
        """Identifiers of every declared measure, computable or not, in their order."""
        methods = ["/".join(one) for block in self.recipes for one in block.combinations()]
        composites = [f"{key}/{one}" for key in self.grid.measures.systems.keys for one in methods]
        rules = [rule.key for rule in self.capital]
        return composites + [f"tfp/{name}/{rule}" for rule in rules for name in self.estimators]

    @property
    def levels(self) -> dict[str, list[str]]:
        """Levels of each axis in their order; relations are ``direction:variable``."""
        grid = self.grid
        relations = [f"driver:{key}" for key in grid.driver.variables]
        relations += [f"determinant:{key}" for key in grid.determinant.variables]
        return {
            "relation": relations,
            "vintage": [one.key for one in grid.vintages],
            "transformation": [one.key for one in grid.transformations],
            "sample": [one.key for one in grid.samples],
            "effects": [one.key for one in grid.effects],
            "controls": [one.key for one in grid.controls],
            "measure": self.measures,
            "errors": [one.key for one in grid.errors],
        }


def _blocks(grid: Grid) -> tuple[Block, ...]:
    return tuple(Block(one.normalise, one.weights, one.aggregate) for one in grid.measures.recipes)


def _check(grid: Grid, file: str) -> None:
    """Raise unless every name is known and no level is there twice."""
    listed = {
        "measures.systems": list(grid.measures.systems.keys),
        "measures.estimators": [one.key for one in grid.measures.estimators],
        "measures.capital": [one.key for one in grid.measures.capital],
        "driver": list(grid.driver.variables),
        "determinant": list(grid.determinant.variables),
        **{
            axis: [one.key for one in getattr(grid, axis)]
            for axis in ("vintages", "transformations", "samples", "effects", "controls", "errors")
        },
    }
    blocks = _blocks(grid)
    recipes = [one for block in blocks for one in block.combinations()]
    for block in blocks:
        block.check()  # whether methods fit together is counted, not refused
    listed["measures.recipes"] = ["/".join(one) for one in recipes]
    for field, keys in listed.items():
        double = [key for key in keys if keys.count(key) > 1]
        if double:
            raise CardError(
                f"level {double[0]!r} is there twice", where={"file": file, "field": field}
            )
    known = provinces.codes()
    for one in grid.samples:
        _known(one.without_provinces, known, "province", file, f"samples.{one.key}")
        _known(one.without_breaks, VARIABLES, "variable of TFP", file, f"samples.{one.key}")
    _known(listed["measures.systems"], available(), "system", file, "measures.systems")
    _known(listed["measures.estimators"], ESTIMATORS, "estimator", file, "measures.estimators")
    for field in ("driver", "determinant"):
        _known(listed[field], grid.variables, "variable", file, field)
    for one in grid.controls:
        _known(one.variables, grid.variables, "variable", file, f"controls.{one.key}")
    for key, variable in grid.variables.items():
        Formula.parse(variable.formula, {"file": file, "variable": key})


def _known(
    names: Iterable[object], known: Collection[object], what: str, file: str, field: str
) -> None:
    for name in names:
        if name not in known:
            raise CardError(
                f"unknown {what} {name!r}",
                where={"file": file, "field": field},
                expected="one of " + ", ".join(map(str, known)),
                hint=nearest(name, map(str, known)),
            )
