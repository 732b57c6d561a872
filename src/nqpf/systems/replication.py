"""Printed numbers recomputed from their inputs, with a verdict on every cell."""

from __future__ import annotations

import importlib.util
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from nqpf import provinces
from nqpf.checks import choose
from nqpf.data.catalogue import Catalogue, _Bilingual, _sha256, _Strict
from nqpf.errors import CardError, DataError, SampleError, SourceError
from nqpf.files import _inside, _replacing, root
from nqpf.sample import _balanced, _place
from nqpf.systems.study import _Key, _read_card, _Text

_PLACE = ["province", "year"]
_SLACK = 1e-6  # of a unit: what binary fractions add to a half
_VERDICTS = ["reproduced", "differs by rounding", "does not reproduce", "not compared"]
_CLAIMS = {"reproduced": 1, "rounding": 2, "nothing": 3}  # how many of these bear a claim


class _Column(_Strict):
    name: _Bilingual
    unit: _Text
    source: _Text


class _Table(_Strict):
    """A CSV table: a file of the folder, or an optional source of the catalogue.

    `labels` names the columns of a table that has others than the card.
    """

    table: _Text
    labels: dict[_Key, _Text] = {}
    columns: dict[_Key, _Column] = {}


class _Printed(_Table):
    """A printed table; `needs` names the inputs without which it cannot be recomputed."""

    key: _Key
    name: _Bilingual
    keys: tuple[_Key, ...] = Field(min_length=1)
    cells: int
    decimals: int | None = None
    needs: tuple[_Key, ...] = ()
    claims: Literal["reproduced", "rounding", "nothing"]


class Replication(_Strict):
    """A study's printed numbers, what they are made from, and whether they come out.

    A cell is *reproduced* if the recomputed figure is at most half a unit of the printed figure's
    last digit away, so that rounding gives what is printed; it *differs by rounding* if at most
    one unit, as where digits were cut off; else it *does not reproduce*. Where an input was not
    fetched it is *not compared*.

    Parameters
    ----------
    files : dict
        SHA-256 of each file of the folder that the replication rests on.
    inputs, tables : tuple
        What is read and what is printed. docs/cards.md explains all fields of
        ``data/replications/<key>/replication.yaml``.

    Examples
    --------
    >>> study = Replication.load("nqp-spatial-2026")
    >>> study.compare("development")["verdict"].value_counts().to_dict()
    {'reproduced': 403}
    """

    key: _Key
    title: _Bilingual
    authors: _Bilingual | None = None
    year: int
    publication: _Text | None = None
    repository: _Text
    commit: _Text
    licence: _Text
    page: _Text
    level: Literal["N", "M", "P", "D"]
    facts: dict[Literal["S", "V", "B"], tuple[_Text, ...]] = {}
    missing: tuple[_Text, ...] = Field(min_length=1)
    files: dict[_Text, _Text]
    inputs: tuple[_Table, ...] = Field(min_length=1)
    tables: tuple[_Printed, ...] = Field(min_length=1)

    @classmethod
    def keys(cls) -> list[str]:
        """Return the keys of all replications, the folders of ``data/replications``."""
        cards = (root() / "data" / "replications").glob("*/replication.yaml")
        return sorted(card.parent.name for card in cards)

    @classmethod
    def load(cls, key: str) -> Replication:
        """Read ``data/replications/<key>/replication.yaml``.

        Raises
        ------
        nqpf.errors.CardError
            If there is no such replication or its card is not valid.
        nqpf.errors.SourceError
            If a file is not the one that the card pins.
        nqpf.errors.DataError
            If a file that the card names lies outside its folder.
        """
        choose("replication", key, cls.keys(), CardError)
        folder = root() / "data" / "replications" / key
        card = _read_card(folder / "replication.yaml", cls).model_copy()  # computes for itself
        for name, expected in card.files.items():
            path = _inside(folder, name)
            found = _sha256(path) if path.is_file() else ""
            if found != expected:
                hint = "restore it; where the change is meant, correct the card and verify again"
                problem, where = f"the file has SHA-256 {found}", {"file": f"{key}/{name}"}
                raise SourceError(problem, where=where, expected=expected, hint=hint)
        return card

    @property
    def folder(self) -> Path:
        """Where card, tables and ``recompute.py`` are."""
        return root() / "data" / "replications" / self.key

    @cached_property
    def _at_hand(self) -> dict[str, Path | None]:
        """Where each table is; None for a source of the catalogue that was not fetched."""
        sources, found = Catalogue.load().sources, {name: self.folder / name for name in self.files}
        for name in {one.table for one in (*self.inputs, *self.tables)} - set(found):
            choose("source", name, sources, CardError, {"replication": self.key})
            found[name] = sources[name].at_hand()
        return found

    @property
    def absent(self) -> list[str]:
        """Optional sources that were not fetched; ``make data EXTRA=1`` fetches them."""
        return sorted(name for name, path in self._at_hand.items() if path is None)

    def _read(self, one: _Table, keys: list[str], columns: list[str]) -> pd.DataFrame:
        """Return columns of a table as text on its keys; no columns where it was not fetched."""
        path, where = self._at_hand[one.table], {"replication": self.key, "table": one.table}
        if path is None:
            return pd.DataFrame()
        text = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        text = text.rename(columns={label: name for name, label in one.labels.items()})
        for name in [*keys, *columns]:
            choose("column", name, text, DataError, where)
        for name in {"province", "neighbour"} & set(keys):
            text[name] = text[name].map(provinces.code_of)
        if "year" in keys:
            text["year"] = _numbers(text["year"], where).astype(int)
        frame = text.set_index(keys)[columns]
        for double in frame.index[frame.index.duplicated()]:
            where |= _place(double, keys)
            raise SampleError("a cell is there twice", where=where, expected="one of each")
        return frame.sort_index() if keys == _PLACE else frame

    @cached_property
    def figures(self) -> pd.DataFrame:
        """The inputs at hand on (province, year), a column for each that the card names.

        Raises
        ------
        nqpf.errors.DataError
            If a province is unknown, a figure no number, or a year has some provinces only.
        """
        read = [self._read(one, _PLACE, list(one.columns)) for one in self.inputs]
        found = {k: _numbers(each[k], {"replication": self.key}) for each in read for k in each}
        for one in found.values():
            _balanced(one)
        return pd.DataFrame(found)

    def printed(self, table: str) -> pd.Series:
        """Return the printed figures of a table as text; none where it was not fetched.

        Raises
        ------
        nqpf.errors.DataError
            If a cell is missing, double, no number, or has other decimals than the card says.
        """
        where = {"replication": self.key, "table": table}
        choose("table", table, known := {one.key: one for one in self.tables}, CardError, where)
        one = known[table]
        frame = self._read(one, list(one.keys), ["printed"])
        if frame.empty:
            return pd.Series(dtype=str)
        # A series of a wider table may begin late.
        text = frame["printed"] if one.table in self.files else frame["printed"].replace("", None)
        numbers = _numbers(text.dropna(), where)
        if list(one.keys) == _PLACE:
            _balanced(numbers)
        if len(numbers) != one.cells:
            raise SampleError(f"{len(numbers)} cells", where=where, expected=f"{one.cells} cells")
        for at, figure in text.dropna().items():
            if one.decimals not in (None, len(figure.partition(".")[2])):
                where |= _place(at, one.keys)
                raise DataError(f"cell {figure}", where=where, expected=f"{one.decimals} decimals")
        return text.dropna()

    @cached_property
    def script(self) -> Any:
        """The module ``recompute.py``: a function for each table, of its key.

        It takes :attr:`figures` and the tables recomputed before, and returns a series.
        """
        spec = importlib.util.spec_from_file_location("recompute", self.folder / "recompute.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for one in self.tables:
            choose("function of recompute.py", one.key, dir(module), CardError)
        return module

    @cached_property
    def computed(self) -> dict[str, pd.Series]:
        """Each table that can be recomputed from the figures at hand, in full precision."""
        found: dict[str, pd.Series] = {}
        for one in self.tables:
            if set(one.needs) <= set(self.figures):
                found[one.key] = getattr(self.script, one.key)(self.figures, dict(found))
        return found

    def compare(self, table: str) -> pd.DataFrame:
        """Compare a table cell by cell.

        Returns
        -------
        DataFrame
            On the table's keys: ``printed`` (text), ``recomputed``, ``difference``
            (recomputed less printed), ``units`` (its size in units of the last printed digit)
            and ``verdict``. Empty where the printed table was not fetched.

        Raises
        ------
        nqpf.errors.SampleError
            If the recomputed table has other cells than the printed one.
        """
        text = self.printed(table)
        found = self.computed.get(table) if len(text) else None
        for apart in () if found is None else found.index.symmetric_difference(text.index):
            where = {"table": table} | _place(apart, found.index.names)
            raise SampleError("recomputed for other cells than are printed", where=where)
        frame = text.to_frame("printed").assign(recomputed=np.nan if found is None else found)
        frame["difference"] = frame["recomputed"] - frame["printed"].astype(float)
        decimals = [len(figure.partition(".")[2]) for figure in text]
        frame["units"] = frame["difference"].abs() * np.power(10.0, decimals)
        steps = [frame["units"] <= most + _SLACK for most in (0.5, 1, np.inf)]
        return frame.assign(verdict=np.select(steps, _VERDICTS[:3], _VERDICTS[3]))

    def verify(self) -> pd.DataFrame:
        """Return a row per table: its cells by verdict, the largest difference, and the claim.

        ``holds`` says whether the cells bear what the card claims, None where none is compared.
        """
        rows = {}
        for one in self.tables:
            cells = self.compare(one.key)
            counts = cells["verdict"].value_counts().reindex(_VERDICTS, fill_value=0)
            counts["not compared"] += one.cells - len(cells)
            row = {"cells": one.cells, **counts, "claims": one.claims, "holds": None}
            if cells["units"].notna().any():
                at = int(cells["units"].argmax())
                place = _place(cells.index[at], cells.index.names).values()
                row["largest difference"] = abs(float(cells["difference"].iloc[at]))
                row["where"] = ", ".join(map(str, place))
                row["holds"] = bool(counts.iloc[: _CLAIMS[one.claims]].sum() == one.cells)
            rows[one.key] = row
        return pd.DataFrame.from_dict(rows, orient="index")

    def keep(self) -> Path:
        """Write the verdicts of a full run to ``kept.json``, with the hash that they rest on.

        Raises
        ------
        nqpf.errors.SourceError
            If a source is not at hand.
        """
        if self.absent:
            problem, hint = f"{self.absent[0]} is not at hand", "run `make data EXTRA=1`"
            raise SourceError(problem, expected="every source, to keep a run", hint=hint)
        small = [one.key for one in self.tables if list(one.keys) != _PLACE]
        cells = {key: self.compare(key).round(10).reset_index().to_dict("list") for key in small}
        card = _sha256(self.folder / "replication.yaml")  # which pins every other file
        kept = {"date": f"{pd.Timestamp.today():%Y-%m-%d}", "rests on": card, "cells": cells}
        kept["tables"] = self.verify().T.to_dict()
        with _replacing(self.folder / "kept.json") as temporary:
            text = json.dumps(kept, indent=1, ensure_ascii=False)
            temporary.write_text(f"{text}\n", encoding="utf-8", newline="\n")
        return self.folder / "kept.json"

    def kept(self) -> dict[str, Any]:
        """Return the last full run: ``date``, ``tables`` as of :meth:`verify`, and ``cells``.

        Raises
        ------
        nqpf.errors.SourceError
            If there is none, or the card or a file that it pins changed since.
        """
        path = self.folder / "kept.json"
        kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if kept.get("rests on") != _sha256(self.folder / "replication.yaml"):
            problem = "no run is kept that rests on this card and the files that it pins"
            hint = f"run `nqpf study verify {self.key} --keep`"
            raise SourceError(problem, where={"replication": self.key}, hint=hint)
        return kept | {"tables": pd.DataFrame.from_dict(kept["tables"], orient="index")}


def _numbers(text: pd.Series, where: dict[str, object]) -> pd.Series:
    found = pd.to_numeric(text, errors="coerce")
    for at in text.index[~np.isfinite(found)]:
        where = where | {"column": text.name} | _place(at, text.index.names)
        raise DataError(f"a cell reads {text[at]!r}", where=where, expected="a number")
    return found
