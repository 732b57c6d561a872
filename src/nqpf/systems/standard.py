"""The reporting standard: what a study has to print, and what the record of one says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field, model_validator

from nqpf.chinese import message
from nqpf.data.catalogue import _Bilingual, _Strict
from nqpf.files import root
from nqpf.systems.study import Study, _Key, _read_card, _Text
from nqpf.systems.system import System, _Card, available

_ORDER = ["S", "V", "B"]  # of several facts the last counts
_WORDS = ["text", "method", "use", "name", "en"]  # fields that say what a fact is
_SHOWN = 3


class _Line(_Strict):
    """A line: `key` names the field of a study's record, `card` that of a system's card."""

    key: _Key
    name: _Bilingual
    prints: _Bilingual
    why: _Text
    chapter: _Text
    kinds: tuple[Literal["composite", "tfp"], ...] = ("composite", "tfp")
    card: _Text | None = None


class Standard(_Strict):
    """What a study of new quality productive forces has to print so that it can be checked.

    Parameters
    ----------
    version : str
        Raised whenever a line changes in substance.
    lines : tuple of lines
        ``key``, ``name`` and ``prints`` (English and Chinese), ``why``, ``chapter`` (the page
        that shows why), ``kinds`` of studies that it is asked of, ``card``.

    Examples
    --------
    >>> [line.key for line in Standard.load().lines][:3]
    ['sample', 'gaps', 'prices']
    """

    version: _Text
    lines: tuple[_Line, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _answered(self) -> Standard:
        """Refuse a line that no field of a record answers, or that is there twice."""
        keys = [line.key for line in self.lines]
        wrong = [k for k in keys if k not in Study.model_fields or keys.count(k) > 1]
        if wrong:
            raise ValueError(f"line {wrong[0]!r} is no field of a study's record, or there twice")
        return self

    @classmethod
    def load(cls, home: Path | None = None) -> Standard:
        """Read ``data/standard.yaml``.

        Raises
        ------
        nqpf.errors.CardError
            If the file is missing or not valid.
        """
        return _read_card((home or root()) / "data" / "standard.yaml", cls)

    def check(self, study: Study, system: System | None = None) -> pd.DataFrame:
        """Return line by line what is known of a study, and what is this book's choice.

        Parameters
        ----------
        study : Study
            The record; it need not be one of the surveyed studies.
        system : System or None
            The system that fills it, whose card answers where the record does not.

        Returns
        -------
        DataFrame, one row per line asked of this kind of study
            ``number`` of the line in the standard, ``name``, ``mark`` (S or V when the study
            states it, B for the book's choice, empty when nobody does), ``whole`` (False where
            the record says that a part is open) and ``said``.

        Examples
        --------
        >>> table = Standard.load().check(Study.load("dong-2024"), System.load("dong-2024"))
        >>> table.loc[["weighting", "normalisation", "code"], "mark"].tolist()
        ['S', 'B', '']
        """
        rows = {}
        for number, line in enumerate(self.lines, 1):
            if study.kind in line.kinds:
                facts = _at(study, line.key)
                if not facts and system and line.card:
                    facts = _at(system.card, line.card)
                rows[line.key] = (number, str(line.name), *_verdict(facts))
        columns = ["number", "name", "mark", "whole", "said"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("line")


def _at(part: Any, path: str) -> list[Any]:
    """Return what stands at a path of fields, every element of lists, without what is absent."""
    found = [part]
    for name in path.split("."):
        values = [getattr(one, name) for one in found]
        lists = [value if isinstance(value, tuple) else (value,) for value in values]
        found = [one for each in lists for one in each if one is not None]
    return found


def _verdict(facts: list[Any]) -> tuple[str, bool, str]:
    """Return mark, whether it is whole, and what is said; a choice without a status is B."""
    if not facts:
        return "", False, "not stated"
    mark = max((getattr(fact, "status", "B") for fact in facts), key=_ORDER.index)
    words = [next(w for name in _WORDS if (w := getattr(f, name, None))) for f in facts]
    open_ = [f"open: {fact.lacks}" for fact in facts if getattr(fact, "lacks", None)]
    rest = [f"and {len(words) - _SHOWN} more"] if len(words) > _SHOWN else []
    return mark, not open_, "; ".join([", ".join([*map(str, words[:_SHOWN]), *rest]), *open_])


def _told(name: str, home: Path | None = None) -> str:
    """Return what a record says of each line of the standard, as text for a terminal.

    Parameters
    ----------
    name : str
        Key of a study or a replication, or the path of a record's file.
    home : Path or None
        Project folder; found by itself when None.

    Raises
    ------
    nqpf.errors.CardError
        If there is no such study, or the file is no valid record.
    """
    home = home or root()
    record = home / "data" / "replications" / name / "record.yaml"
    path = record if record.is_file() else Path(name)
    own = name not in Study.keys(home) and (path.suffix or len(path.parts) > 1 or path.exists())
    study = _read_card(path, Study) if own else Study.load(name, home)
    system = System.load(study.key, home) if study.key in available(home) else None
    standard = Standard.load(home)
    table = standard.check(study, system)
    told = [f"{study.title}, by the reporting standard {standard.version}:"]
    for row in table.itertuples():
        mark = f"({row.mark})" if row.mark and not row.whole else row.mark or "-"
        told.append(f"{row.number:>3} {mark:4}{row.Index:14} {message(row.said)}")
    stated, whole = table["mark"].isin(["S", "V"]), table["whole"]
    card = f", in data/systems/{study.key}.yaml" if system else ""
    told.append("S: the survey states it. V: a second record does. (S), (V): in part.")
    told.append(f"B: not the study's, this book's choice{card}. -: not stated.")
    counts = {"In part": stated & ~whole, "this book's choice": table["mark"] == "B"}
    counts["not stated"] = table["mark"] == ""
    told.append("; ".join(f"{what}: {rows.sum()}" for what, rows in counts.items()) + ".")
    told.append(f"{(stated & whole).sum()} of {len(table)} lines can be checked.")
    return "\n".join(told)


def _schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schemas of a study's record, a system's card and the standard, by name."""
    models = {"study": Study, "system": _Card, "standard": Standard}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    head["description"] = "docs/cards.md in the repository explains the fields."
    return {key: one.model_json_schema() | head | {"title": key} for key, one in models.items()}
