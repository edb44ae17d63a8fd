"""The command line: `python -m divergences demo` and `python -m divergences compare A B`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from divergences.definitions import Definition
    from divergences.measures.files import Table
    from divergences.measures.samples import Samples
    from divergences.report import Comparison

WRONG_INPUT = 2
FAILED = 1
INTERRUPTED = 130  # 128 and the number of the signal, as shells have it
BROKEN_PIPE = 141

_DESCRIPTION = """\
How far apart two distributions are, from samples alone, with an honest error bar."""

_EXAMPLES = """\
examples:
  python -m divergences demo
  python -m divergences compare before.csv after.csv
  python -m divergences compare before.csv after.csv --columns height,weight --plot map.png
  python -m divergences compare real.npy generated.npz:images --divergence JS,W1,MMD --json
"""

_COMPARE_EXAMPLES = """\
examples:
  python -m divergences compare before.csv after.csv
  python -m divergences compare before.csv after.csv --columns height,weight --plot map.png
  python -m divergences compare a.parquet b.parquet --divergence JS,W1 --standardize --seed 0
  python -m divergences compare real.npy generated.npz:images --json > result.json

The first line of a csv or tsv file names its columns. Columns of A and B are matched by name;
those of npy and npz arrays are numbered from 0. Columns of text are categories, which
f-divergences read; the other divergences are then left out. The JSON holds no NaN or Infinity
literals: values that are not finite are the strings "Infinity", "-Infinity" and "NaN".

exit status: 0 done; 1 the computation failed; 2 wrong files, columns or values.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"divergences: error: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(WRONG_INPUT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the program's name; the process's own if left out.

    Returns
    -------
    int
        Exit status: 0 done, 1 the computation failed, 2 wrong input.
    """
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("divergences: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has left. Python flushes once more at exit, which must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as done:
        return int(done.code or 0)
    from divergences.errors import ConvergenceError

    try:
        options.command(options)
    except BrokenPipeError:
        raise
    except (ConvergenceError, MemoryError) as error:
        return _fail(error, FAILED)
    except (ValueError, TypeError, OSError, ImportError) as error:
        return _fail(error, WRONG_INPUT)
    return 0


def _fail(error: Exception, status: int) -> int:
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.replace('Pass nan_policy="omit"', "Pass --nan-policy omit")
    print(f"divergences: error: {text}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m divergences",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    release = f"divergences {version('divergences')}"
    parser.add_argument("--version", action="version", version=release)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    _add_demo(commands)
    _add_compare(commands)
    return parser


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser(
        "demo",
        help="compare real data sets by every divergence; tables and figures",
        description="Compare real data sets that scikit-learn ships: tumors, handwritten "
        "digits, and two halves of one class. Prints tables and writes figures.",
    )
    demo.add_argument(
        "--output", type=Path, default=Path("demo-output"), metavar="DIR",
        help="folder for the figures (default: demo-output)",
    )  # fmt: skip
    demo.add_argument("--seed", type=_seed, default=0, help="random seed (default: 0)")
    demo.add_argument("--quick", action="store_true", help="smaller samples, fewer features")
    demo.set_defaults(command=_demo)


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser(
        "compare",
        help="compare two files",
        description="Compare the samples in two files: csv, tsv, parquet, npy or npz. Rows are "
        "points, columns are features.",
        epilog=_COMPARE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    compare.add_argument("A", help="file with the sample of P")
    compare.add_argument("B", help="file with the sample of Q")
    compare.add_argument(
        "--columns", type=_names, metavar="a,b", help="columns to compare (default: all)"
    )
    compare.add_argument(
        "--divergence", type=_names, metavar="JS,W1,...",
        help="which divergences (default: the whole catalogue)",
    )  # fmt: skip
    compare.add_argument(
        "--method", default="auto",
        help='how to find the critic: "auto" (default), or a method such as "kde", "exact"; '
        "without --divergence, all divergences that the method serves are estimated",
    )  # fmt: skip
    compare.add_argument(
        "--standardize", action="store_true",
        help="divide every numeric column by its standard deviation first, so that columns of "
        "unlike units count alike in transport and kernel divergences",
    )  # fmt: skip
    compare.add_argument(
        "--per-column", action="store_true",
        help="also compare every column by itself and rank them",
    )  # fmt: skip
    compare.add_argument("--json", action="store_true", help="print JSON instead of a table")
    compare.add_argument(
        "--plot", type=Path, metavar="FILE", help="write a picture: png, pdf or svg"
    )
    compare.add_argument("--seed", type=_seed, default=0, help="random seed (default: 0)")
    compare.add_argument(
        "--nan-policy", choices=("raise", "omit", "keep"), default="raise",
        help="refuse rows with missing or infinite values (default), or leave them out, or keep "
        "what is missing, for f-divergences",
    )  # fmt: skip
    compare.set_defaults(command=_compare)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("expected names separated by commas")
    return names


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, not {text!r}")
    return int(text)


def _demo(options: argparse.Namespace) -> None:
    from divergences.demo import run_demo

    run_demo(options.output, seed=options.seed, quick=options.quick)


def _compare(options: argparse.Namespace) -> None:
    from divergences.estimation import compare
    from divergences.views import compare_features, standardized

    definitions = _definitions(options.divergence, options.method)
    _check_picture(options.plot)
    p, q = _samples(options)
    if options.standardize:
        p, q = standardized(p, q)
    settings: dict[str, Any] = {"method": options.method, "rng": options.seed}
    settings["nan_policy"] = options.nan_policy
    joint = compare(p, q, divergences=definitions, **settings)
    each = joint[:1]
    if p.d > 1 and (options.per_column or options.plot):
        each = compare_features(p, q, joint[0].definition, **settings)
    shown = each if options.per_column else None
    if options.json:
        _print_json(options, p, joint, shown)
    else:
        _print_tables(options, joint, shown)
    if options.plot:
        _write_picture(options, p, q, joint, each)


def _definitions(names: list[str] | None, method: str) -> list[Definition] | None:
    from divergences.estimation import CATALOGUE
    from divergences.estimators import methods_for
    from divergences.naming import definition_named

    if names is not None:
        return list(dict.fromkeys(definition_named(name) for name in names))
    if method == "auto":
        return None
    served = [
        definition
        for definition in CATALOGUE
        if method in {kind.shorthand for kind in methods_for(definition)}
    ]
    if not served:
        known = {kind.shorthand for definition in CATALOGUE for kind in methods_for(definition)}
        listed = ", ".join(["auto", *sorted(known)])
        raise ValueError(f"--method must be one of {listed}, not {method!r}.")
    return served


def _check_picture(path: Path | None) -> None:
    if path is None:
        return
    if path.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise ValueError(f"--plot must end in .png, .pdf or .svg, not {path.name!r}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"--plot: the folder {path.parent} does not exist.")


def _samples(options: argparse.Namespace) -> tuple[Samples, Samples]:
    from divergences.measures.categories import with_common_levels
    from divergences.measures.files import read_table
    from divergences.measures.samples import check_pair

    first, second = read_table(options.A), read_table(options.B)
    for remark in (*first.remarks, *second.remarks):
        print(f"divergences: note: {remark}", file=sys.stderr)
    columns = options.columns
    if columns is None and (first.named or second.named):
        columns = _shared_columns(first, second)
    p = first.samples(columns, options.nan_policy)
    q = second.samples(columns, options.nan_policy)
    check_pair(p, q)
    return with_common_levels(p, q)


def _shared_columns(first: Table, second: Table) -> list[str]:
    from divergences.measures.arrays import listed

    lacking = [
        f"{missing_from.name} lacks {listed(names)}"
        for has, missing_from in ((first, second), (second, first))
        if (names := [c for c in has.columns if c not in missing_from.columns])
    ]
    if lacking:
        shared = [column for column in first.columns if column in second.columns]
        remedy = f"Use --columns {','.join(shared[:5])}" if shared else "They share none"
        raise ValueError(f"A and B must have the same columns, but {'; '.join(lacking)}. {remedy}.")
    return list(first.columns)


def _print_tables(options: argparse.Namespace, joint: Comparison, each: Comparison | None) -> None:
    print(f"P: {options.A}\nQ: {options.B}")
    if options.standardize:
        print("Every column was divided by its standard deviation.")
    print(joint)
    if each is not None:
        print(f"\nColumn by column, the largest first:\n{each.sorted()}")


def _print_json(
    options: argparse.Namespace, p: Samples, joint: Comparison, each: Comparison | None
) -> None:
    from divergences.views import feature_names

    result = {
        "version": version("divergences"),
        "p": options.A,
        "q": options.B,
        "columns": list(feature_names(p)),
        "standardized": options.standardize,
        "seed": options.seed,
        "estimates": joint.to_dict()["estimates"],
        "columns_alone": None if each is None else each.to_dict()["estimates"],
    }
    from divergences.numerals import strict_json

    print(json.dumps(strict_json(result), indent=2, ensure_ascii=False, allow_nan=False))


def _write_picture(
    options: argparse.Namespace, p: Samples, q: Samples, joint: Comparison, each: Comparison
) -> None:
    from divergences.report import save_figure
    from divergences.views import plot_overview

    names = (Path(options.A).stem, Path(options.B).stem)
    names = names if names[0] != names[1] else ("P", "Q")
    # A point without a place cannot be drawn.
    page = plot_overview(p.complete(), q.complete(), joint, each, names=names, rng=options.seed)
    save_figure(page, options.plot)
    print(f"divergences: wrote {options.plot}", file=sys.stderr)
