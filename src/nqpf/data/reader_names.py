"""Which variable a row of a reader's file means: a known one, or a new one with its names."""

from __future__ import annotations

import difflib
import keyword
import re
from dataclasses import dataclass
from functools import cached_property

from nqpf.data import reader_cells as cells
from nqpf.data.catalogue import Catalogue, Variable
from nqpf.errors import DataError

__all__ = ["READER_THEME", "Names"]

READER_THEME = "reader"

_NEW_KEY = re.compile(r"[a-z][a-z0-9_]{1,59}")


def _normal(label: str) -> str:
    return " ".join(label.split()).casefold()


@dataclass(frozen=True)
class Names:
    """Names of variables: those of the catalogue and those that a file declares.

    Parameters
    ----------
    catalogue : Catalogue
        Known variables.
    declared : dict of str to (str, str)
        English and Chinese name that a file gives a variable, by the text of
        its cell ``variable``; empty text for a language that is not given.
    """

    catalogue: Catalogue
    declared: dict[str, tuple[str, str]]

    @cached_property
    def _owners(self) -> dict[str, set[str]]:
        owners: dict[str, set[str]] = {}
        for key, entry in self.catalogue.variables.items():
            for label in (entry.name.en, entry.name.zh):
                owners.setdefault(_normal(label), set()).add(key)
        return owners

    def key(self, label: str) -> str:
        """Return the key of the variable that a cell names.

        Raises
        ------
        nqpf.errors.DataError
            If it is neither a key nor the name of one variable of the
            catalogue, nor declared as a new variable.
        """
        if not label:
            raise DataError("the variable is missing", expected="a key or a name of the catalogue")
        if label in self.catalogue.variables:
            return label
        owners = sorted(self._owners.get(_normal(label), ()))
        if len(owners) == 1:
            return owners[0]
        if owners:
            raise DataError(
                f"{cells.shown(label)} is the name of several variables",
                expected=f"one of the keys {', '.join(owners)}",
            )
        if label not in self.declared:
            raise DataError(
                f"unknown variable {cells.shown(label)}",
                expected="a key or a name of data/catalogue.yaml",
                hint=self._advice(label),
            )
        if not _NEW_KEY.fullmatch(label) or keyword.iskeyword(label):
            raise DataError(
                f"{cells.shown(label)} cannot be the key of a new variable",
                expected="2 to 60 lower-case letters, digits and underscores, a letter first",
            )
        return label

    def own(self, label: str, key: str) -> tuple[str, str]:
        """Return both names of a reader's own variable; empty for one of the catalogue's.

        Raises
        ------
        nqpf.errors.DataError
            If a declared name is not that of the known variable, or belongs
            to another one.
        """
        entry: Variable | None = self.catalogue.variables.get(key)
        given = self.declared.get(label, ("", ""))
        declared = [name and cells.text(name, "name") for name in given]
        for name in declared:
            others = self._owners.get(_normal(name), set()) - {key}
            if name and others:
                raise DataError(
                    f"the name {cells.shown(name)} belongs to variable {sorted(others)[0]!r}",
                    expected=f"a name that tells {key!r} from it",
                    hint=f"use the key {sorted(others)[0]!r} if that is what the figures are",
                )
        if entry is None:
            en, zh = declared
            return en or zh, zh or en
        for name, known in zip(declared, (entry.name.en, entry.name.zh), strict=True):
            if name and _normal(name) != _normal(known):
                raise DataError(
                    f"variable {key!r} is known under another name than {cells.shown(name)}",
                    expected=f"the name {known!r} or none",
                    hint="choose another key if this is a new variable",
                )
        return (entry.name.en, entry.name.zh) if entry.theme == READER_THEME else ("", "")

    def _advice(self, label: str) -> str:
        near = difflib.get_close_matches(label[:60], self.catalogue.variables, n=1)
        offer = f"did you mean {near[0]!r}? " if near else ""
        return offer + "A new variable needs its name in the columns name_en and name_zh"
