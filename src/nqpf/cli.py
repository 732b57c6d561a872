"""The command ``nqpf``: the reader's own data and studies, rebuilding the tables."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

import nqpf
from nqpf.chinese import message
from nqpf.errors import NqpfError, SourceError, _visible
from nqpf.files import root

if TYPE_CHECKING:
    import pandas as pd


class _Group(TyperGroup):
    """Commands whose refusals are one message on standard error, never a traceback.

    What they say of themselves is in the reader's language.
    """

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        for part in [found, *found.params] if found else []:
            part.help = message(getattr(part, "help", None) or "")
        return found

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.help = message(self.help or "")
        super().format_help(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a terminal may lack Chinese characters
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except NqpfError as error:
            _say(str(error), err=True)
        except OSError as error:  # of the system: a full disk, a locked file, a name too long
            file = f" [file {error.filename}]" if error.filename else ""
            _say(f"{error.strerror or error}{file}; what was there is as it was.", err=True)
        raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Group,
    help="Measuring new quality productive forces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
_data = typer.Typer(cls=_Group, help="The panel and your own figures.", no_args_is_help=True)
app.add_typer(_data, name="data")
_study = typer.Typer(cls=_Group, help="Studies: their cards and chapters.", no_args_is_help=True)
app.add_typer(_study, name="study")

_File = Annotated[Path, typer.Argument(help="Your figures: a .csv or .xlsx file.")]


def _flag(name: str, text: str) -> Any:
    return typer.Option(name, help=text)


def _say(text: str, err: bool = False) -> None:
    """Print text without markup, and without control characters that a file may carry."""
    typer.echo(_visible(message(text)), err=err)


@app.command("version")
def _version() -> None:
    """Print the version."""
    _say(nqpf.__version__)


_Said = Annotated[
    list[str] | None, _flag("--say", "What no cell of it says: year=2024, source=...")
]


def _about(said: list[str] | None) -> dict[str, str]:
    """Return what the reader says of a file, by the name of the column that it lacks."""
    from nqpf.checks import choose
    from nqpf.data.forms import _COLUMNS

    pairs = dict(each.partition("=")[::2] for each in said or [])
    for name in pairs:
        choose("word", name, _COLUMNS)
    return pairs


def _extra() -> Path:
    return root() / "data" / "extra"


@_data.command("check")
def _check(
    file: _File,
    say: _Said = None,
    system: Annotated[str, _flag("--system", "Also show how the ranks of a system change.")] = "",
) -> None:
    """Say how your figures are read and what they would change; write nothing."""
    from nqpf.data.changes import _preview, _taken
    from nqpf.data.panel import _laid_over

    said, rows, around = _preview(file, nqpf.Panel.load(extra=False), _extra(), _about(say))
    _say(said)
    if system:
        from nqpf.compare.measures import _rank_changes

        _say(_rank_changes(system, around, _laid_over(around, rows), sorted({*rows["year"]})))
    options = [word for each in say or [] for word in ("--say", each)]
    if other := _taken(file, _extra(), rows):
        _say(f"{other} holds other figures: rename your file, or replace that table.")
        options.append("--replace")
    command = shlex.join(["nqpf", "data", "add", *options, str(file)])
    _say("Nothing was written. " + (f"To use the figures: {command}" if len(rows) else _NOTHING))


_NOTHING = "There is nothing to add: the panel has every figure already."


@_data.command("add")
def _add(
    file: _File,
    say: _Said = None,
    replace: Annotated[bool, _flag("--replace", "Replace a file of the same name.")] = False,
) -> None:
    """Check your figures and keep them in data/extra for the next build of the book."""
    from nqpf.data.changes import _add, _preview

    said, rows, _ = _preview(file, nqpf.Panel.load(extra=False), _extra(), _about(say))
    if len(rows):
        _add(file, rows, _extra(), replace)
        said += f"\nWritten to data/extra/{file.stem}.csv; the next `make book` uses it."
    _say(said if len(rows) else f"{said}\nNothing was written. {_NOTHING}")


@_data.command("remove")
def _remove(table: Annotated[str, typer.Argument(help="Name of the file that you added.")]) -> None:
    """Remove one of your tables; the next build of the book is without its figures."""
    from nqpf.data.changes import _remove

    path = _remove(table, _extra())
    _say(f"Removed: data/extra/{path.name}; the next `make book` is without it.")


@_data.command("template")
def _template(
    system: Annotated[str, typer.Argument(help="A system, such as dong-2024.")],
    year: Annotated[int, typer.Argument(help="Year to fill in.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")] = Path("."),
) -> None:
    """Write a table to fill in: what a system's score of a year needs and the panel lacks."""
    from nqpf.data.export import _write_template
    from nqpf.systems import System

    variables = System.load(system).variables
    paths, told = _write_template(system, variables, year, nqpf.Panel.load(), folder)
    _say("\n".join([*told, *(f"Written: {path}" for path in paths)]))


@_data.command("build")
def _build(
    update: Annotated[bool, _flag("--update", "Write the tables, do not compare.")] = False,
    extra: Annotated[bool, _flag("--extra", "Also fetch the optional research data sets.")] = False,
) -> None:
    """Rebuild every table from its sources and compare it with the embedded one."""
    from nqpf.data.build import _rebuild
    from nqpf.tfp.accounts import capital_stock

    rules = {"perpetual_inventory": capital_stock}
    _say(str(_rebuild(rules=rules, extra=extra, update=update)))


@_data.command("export")
def _export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to, made when missing.")],
    formats: Annotated[list[str] | None, _flag("--format", "csv, parquet, xlsx, dta.")] = None,
    official: Annotated[bool, _flag("--official", "Leave out the rows that you added.")] = False,
) -> None:
    """Write the panel with its catalogue as CSV, Parquet and Excel."""
    from nqpf.data.export import export

    chosen = {"formats": formats} if formats else {}
    for path in export(nqpf.Panel.load(extra=not official), folder, **chosen):
        _say(f"Written: {path}")


@_data.command("list")
def _list() -> None:
    """List the variables with their units, years and gaps, and the tables that you added."""
    from nqpf.data.changes import _kept

    panel = nqpf.Panel.load()
    table = panel.coverage().reset_index()
    entries = table["variable"].map(panel.catalogue.variables)
    table.insert(1, "name", entries.map(lambda entry: str(entry.name)))
    table.insert(2, "unit", entries.map(lambda entry: entry.unit))
    table["years"] = table["first"].astype(str) + "-" + table["last"].astype(str)
    _show(table[["variable", "name", "unit", "vintage", "years", "provinces", "gaps"]])
    own = _kept(_extra(), nqpf.Panel.load(extra=False))
    if len(own):
        _say("\nYour tables in data/extra:")
        _show(own)


def _show(frame: pd.DataFrame) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*map(message, frame.columns), box=None, pad_edge=False)
    for row in frame.itertuples(index=False):
        table.add_row(*(Text(message(str(cell))) for cell in row))
    console = Console()
    console.width = console.width if console.is_terminal else 200
    console.print(table)


@app.command("multiverse")
def _multiverse(
    update: Annotated[bool, _flag("--update", "Write the results, do not compare.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes on this machine; -1 for all cores.")] = -1,
    address: Annotated[str | None, typer.Option(help="Scheduler of the Dask cluster.")] = None,
) -> None:
    """Run the declared grid of specifications and compare it with the stored results."""
    from nqpf.multiverse import SpecificationGrid
    from nqpf.multiverse.inference import _curve_tests, _save_beside
    from nqpf.multiverse.results import _disagreement, _stored

    grid = SpecificationGrid()
    folder = root() / "_build" / "multiverse" / grid.stamp[:16]
    found = grid.run(folder.parent, n_jobs=jobs, address=address)
    for name, number in found.counts.items():
        _say(f"{number:>10,}  {name}")
    kept = [_stored(name) for name in ("results.parquet", "shares.csv", "curve_tests.csv")]
    made = [folder / one.name for one in kept]
    results, shares, tests = kept if update else made
    found.save(results)
    _save_beside(_disagreement(found), found, shares)
    _save_beside(_curve_tests(grid, found, n_jobs=jobs), found, tests)
    for new, old in zip(made, kept, strict=True):
        far = None if update else _far_apart(old, new)
        if update:
            _say(f"Written: {old.relative_to(root()).as_posix()}")
        elif far is None or far >= _LAST_DIGITS:
            where = {"file": old.name, "run": new.relative_to(root()).as_posix()}
            hint = "run `nqpf multiverse --update` if the change is on purpose"
            problem = "the run gives other results than the stored ones"
            raise SourceError(problem, where=where, expected="the same figures", hint=hint)
        elif old.read_bytes() == new.read_bytes():
            _say(f"{old.name}: the same, byte for byte.")
        else:  # as between kinds of processors
            _say(f"{old.name}: the same but for last digits, {far:.1e} of a column's largest.")


_LAST_DIGITS = 1e-4  # of the largest figure of a column; results are in single precision


def _far_apart(old: Path, new: Path) -> float | None:
    """Return the largest difference of two tables, relative to the column, or None if unlike."""
    import numpy as np
    import pandas as pd

    if not old.is_file():
        return None
    read = pd.read_parquet if old.suffix == ".parquet" else pd.read_csv
    one, two = read(old), read(new)
    numbers = one.select_dtypes("floating").columns
    if list(one) != list(two) or not one.drop(columns=numbers).equals(two.drop(columns=numbers)):
        return None
    apart = (one[numbers] - two[numbers]).abs().max() / one[numbers].abs().max().replace(0, 1)
    return float(np.nan_to_num(apart.max()))


@_study.command("new")
def _new(
    key: Annotated[str, typer.Argument(help="Family names and year, such as li-wang-2025.")],
) -> None:
    """Write a study's record, card and chapter for you to fill; list it in the contents."""
    from nqpf.systems.study import _new_study

    home = root()
    for path in _new_study(key, home):
        _say(f"Written: {path.relative_to(home).as_posix()}")
    _say("It builds as it is, with example indicators. docs/cards.md explains the fields;")
    _say("replace the examples, then run `make test book`.")


@_study.command("check")
def _check_study(
    study: Annotated[str, typer.Argument(help="Key of a study, or the file of its record.")],
) -> None:
    """Say what a study's record states of the reporting standard, and what it lacks."""
    from nqpf.systems.standard import _told

    _say(_told(study))


@_study.command("verify")
def _verify(
    key: Annotated[str, typer.Argument(help="A replication, such as nqp-spatial-2026.")],
    cells: Annotated[bool, _flag("--cells", "Print every cell of every table.")] = False,
    keep: Annotated[bool, _flag("--keep", "Keep this run's summary beside the card.")] = False,
) -> None:
    """Recompute a study's printed tables; say cell by cell what comes out."""
    from nqpf.systems import Replication

    study = Replication.load(key)
    found = study.verify()
    _show(found.round(8).rename_axis("table").reset_index())
    for table in found.index:
        shown = study.compare(table).round(6).reset_index()
        shown = shown if cells or len(shown) <= 20 else shown[shown["units"] > 0.5]
        if len(shown):
            _show(shown)
    failed = found.index[found["holds"].eq(False)]
    if len(failed):
        raise SourceError(f"claimed, but not so: {', '.join(failed)}", where={"replication": key})
    if study.absent:
        said = f"Not at hand: {', '.join(study.absent)}; `make data EXTRA=1` fetches what it can."
        _say(f"{said}\nThe last run with it, {study.kept()['date']}:")
        _show(study.kept()["tables"].rename_axis("table").reset_index())
    if keep:
        _say(f"Written: {study.keep()}")
