"""Tables of the site and the README, made from the package's own registry and docstrings.

`python docs/_ext/catalogue.py` prints the README's table.
"""

import ast
import contextlib
import importlib
import inspect
import io
import os
import re
from pathlib import Path
from unittest import mock

import numpy as np
from scipy.stats import gamma, laplace, multivariate_normal, norm, poisson

import divergences as dv
from divergences.definitions import Definition, RatioDivergence
from divergences.estimators import losses_for, methods_for
from divergences.estimators.estimator import resolve

PACKAGE = Path(dv.__file__).parent

PEARSON = dv.FDivergence(lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1), name="any f-divergence")

CALLS: tuple[tuple[Definition, str], ...] = (
    (dv.JensenShannon(), "js_divergence(p, q)"),
    (dv.JensenShannonDistance(), "js_distance(p, q)"),
    (dv.KullbackLeibler(), "kl_divergence(p, q)"),
    (dv.ReverseKL(), "divergence(ReverseKL(), p, q)"),
    (dv.TotalVariation(), "total_variation(p, q)"),
    (dv.SquaredHellinger(), "squared_hellinger(p, q)"),
    (dv.ChiSquared(), "chi2_divergence(p, q)"),
    (dv.Renyi(0.5), "renyi_divergence(p, q, alpha=0.5)"),
    (PEARSON, "f_divergence(p, q, phi=...)"),
    (dv.Wasserstein(1), "wasserstein_distance(p, q, order=1)"),
    (dv.SlicedWasserstein(2), "sliced_wasserstein_distance(p, q)"),
    (dv.Sinkhorn(2), "sinkhorn_divergence(p, q)"),
    (dv.MMD(), "mmd(p, q)"),
    (dv.MMD(squared=True), "squared_mmd(p, q)"),
    (dv.Energy(), "energy_distance(p, q)"),
    (dv.Energy(squared=True), "squared_energy_distance(p, q)"),
)

CHAPTERS = {
    "api": "Everyday calls",
    "estimation": "Everyday calls",
    "estimate": "The answer",
    "measures": "Measures",
    "definitions": "Definitions",
    "estimators": "Methods",
    "density": "Density models",
    "inference": "Inference",
    "two_sample": "Inference",
    "closed_form": "Closed forms",
    "report": "Reports",
    "views": "Reports",
    "errors": "Errors",
}

CONTRACTS = (
    "definitions.Definition",
    "definitions.RatioDivergence",
    "definitions.PositiveKernel",
    "estimators.Estimator",
    "estimators.RatioEstimator",
    "estimators.LogRatio",
    "estimators.register",
    "estimators.register_loss",
    "estimators.register_default",
    "estimators.methods_for",
    "estimators.losses_for",
    "estimate.Reading",
    "estimate.Circumstances",
    "measures.Samples",
    "measures.as_samples",
    "work.Run",
)


def public_names() -> dict[str, str]:
    """Every public name and the module that it comes from, as `__init__.pyi` has them."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: node.module or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }


def paragraphs(definition: Definition) -> list[str]:
    """The prose of a definition's docstring, before its first section."""
    text = inspect.getdoc(type(definition)) or ""
    prose = re.split(r"\n\w+\n-{3,}\n", text)[0]
    return [" ".join(paragraph.split()) for paragraph in prose.strip().split("\n\n")]


def value_range(definition: Definition) -> str:
    """What values it takes, from the first sentence of its docstring."""
    if getattr(definition, "squared", False):
        return {"MMD²": "0 to 2 max k", "energy²": "0 to ∞"}[definition.symbol]
    found = re.search(r"from (0 to .+?)(?:, (?:in|a) |\.$|: )", paragraphs(definition)[0])
    if found is None:
        raise ValueError(f"The docstring of {definition!r} does not open with its range.")
    return found[1].replace("infinity", "∞")


def name_of(definition: Definition) -> str:
    """Its title in the table."""
    if definition is PEARSON:
        return definition.symbol
    squared = "squared " if getattr(definition, "squared", False) else ""
    return squared + definition.title


def shorthands(methods: list) -> str:
    """The strings that name methods."""
    return ", ".join(f'`"{method.shorthand}"`' for method in methods) or "—"


def row(*cells: str) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(header: tuple[str, ...], rows: list[str]) -> str:
    """A Markdown table."""
    return "\n".join([row(*header), row(*("---" for _ in header)), *rows])


def divergence_table() -> str:
    """Every divergence with its call, its range and the methods that estimate it."""
    rows = [
        row(
            name_of(definition),
            f"`{call}`",
            " ".join((value_range(definition), definition.unit)).strip(),
            shorthands(methods_for(definition)),
        )
        for definition, call in CALLS
    ]
    return table(("Divergence", "Call", "Range and unit", '`method=` besides `"auto"`'), rows)


def loss_table() -> str:
    """Every divergence with the methods that have a differentiable form."""
    rows = [
        row(definition.title, f"`{type(definition).__name__}`", shorthands(losses_for(definition)))
        for definition, _ in CALLS
        if not getattr(definition, "squared", False) and losses_for(definition)
    ]
    return table(("Divergence", "Definition", "`loss(x, y, method=...)`"), rows)


def law_table() -> str:
    """Every divergence with the laws that its definition claims and the tests check."""
    rows = [
        row(
            definition.symbol,
            f"`{type(definition).__name__}`",
            "yes" if definition.symmetric else "no",
            "yes" if definition.metric else "no",
            "—" if definition.scaling is None else f"{definition.scaling:g}",
        )
        for definition, _ in CALLS
        if definition is not PEARSON
    ]
    return table(("Symbol", "Definition", "Symmetric", "Triangle inequality", "Scaling"), rows)


def method_table() -> str:
    """Every method with what it is and what it estimates."""
    methods = dict.fromkeys(method for definition, _ in CALLS for method in methods_for(definition))
    rows = []
    for method in methods:
        serves = [d for d, _ in CALLS if method in methods_for(d)]
        ratios = [d for d, _ in CALLS if isinstance(d, RatioDivergence)]
        words = list(dict.fromkeys(d.title for d in serves if d not in ratios))
        if set(ratios) <= set(serves):
            words = ["every f-divergence", *words]
        summary = " ".join((inspect.getdoc(method) or "").split("\n\n")[0].split())
        rows.append(
            row(f'`"{method.shorthand}"`', f"`{method.__name__}`", summary, ", ".join(words))
        )
    return table(("`method=`", "Object", "What it does", "Estimates"), rows)


def definition_list() -> str:
    """Formula, range, use and failure of every definition."""
    seen: dict[type, Definition] = {type(d): d for d, _ in reversed(CALLS)}
    parts = []
    for definition in dict.fromkeys(type(d) for d, _ in CALLS):
        first, *rest = paragraphs(seen[definition])
        title = seen[definition].title
        opening = f"**{title[0].upper()}{title[1:]}**, `{definition.__name__}`"
        parts += [f"{opening}: {_escaped(first)}", *map(_escaped, rest)]
    return "\n\n".join(parts)


def _escaped(text: str) -> str:
    pieces = re.split(r"(``?[^`]+``?)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([*_|\[\]<>])", r"\\\1", piece)
        for piece in pieces
    )


def auto_table() -> str:
    """What `method="auto"` picks, asked of the choosers themselves."""
    sizes = ((1_000, 2), (1_000, 10), (50_000, 2), (50_000, 10))
    kinds = (("every f-divergence", dv.JensenShannon()),)
    kinds += tuple((d.title, d) for d in (dv.Wasserstein(1), dv.SlicedWasserstein(2)))
    kinds += (("Sinkhorn divergence", dv.Sinkhorn(2)), ("MMD, energy distance", dv.MMD()))
    rows = []
    for words, definition in kinds:
        picked = []
        for n, d in sizes:
            sample = dv.Samples(np.random.default_rng(0).normal(size=(n, d)))
            estimator, _ = resolve(definition, "auto", sample, sample)
            picked.append(estimator.describe())
        rows.append(row(words, *picked))
    header = tuple(f"{n:,} points, {d} features" for n, d in sizes)
    return table(("Divergence", *header), rows)


def command_line() -> str:
    """What `python -m divergences compare --help` prints."""
    from divergences.cli import main

    written = io.StringIO()
    with (
        contextlib.redirect_stdout(written),
        contextlib.suppress(SystemExit),
        mock.patch.dict(os.environ, {"COLUMNS": "96", "NO_COLOR": "1"}),
    ):
        main(["compare", "--help"])
    return f"```text\n{written.getvalue()}```"


def comparison() -> str:
    """What a comparison prints, computed now: its seconds are those of this machine."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, 500), rng.normal(1, 1, 500)
    printed = dv.compare(x, y, rng=0).to_text(width=96)
    return f"```text\n{printed}\n```"


def exact_table() -> str:
    """Exact values of a few pairs, and how each was found."""
    normals = [multivariate_normal([m, 0, 0], np.eye(3) * (1 + m)) for m in (0, 1)]
    pairs = (
        ("Normal(0, 1), Normal(1, 2)", norm(0, 1), norm(1, 2)),
        ("Normal(0, 1), Laplace(0, 1)", norm(0, 1), laplace(0, 1)),
        ("Gamma(2), Gamma(3)", gamma(2), gamma(3)),
        ("Poisson(3), Poisson(4)", poisson(3), poisson(4)),
        ("Normal(0, I), Normal(e, 2 I), d = 3", *normals),
    )
    kinds = (dv.KullbackLeibler(), dv.JensenShannon(), dv.Wasserstein(1), dv.Wasserstein(2))
    kinds += (dv.MMD(dv.GaussianKernel(1.0)), dv.Energy())
    rows = []
    for words, p, q in pairs:
        for definition in kinds:
            with contextlib.suppress(dv.NoClosedFormError):
                found = dv.divergence(definition, p, q, rng=0)
                how = found.how.removeprefix("exact: ")
                rows.append(row(words, definition.symbol, f"{found:.10g}", how))
    return table(("P, Q", "Divergence", "Value", "How"), rows)


TABLES = {
    "auto": auto_table,
    "exact": exact_table,
    "comparison": comparison,
    "command-line": command_line,
    "divergences": divergence_table,
    "losses": loss_table,
    "laws": law_table,
    "methods": method_table,
    "definitions": definition_list,
}


def reference() -> str:
    """The API reference: every public name under its chapter."""
    chapters: dict[str, list[str]] = {}
    for name, module in public_names().items():
        folder = module.split(".")[0]
        chapters.setdefault(_chapter(folder), []).append(name)
    order = list(dict.fromkeys(CHAPTERS.values()))
    lines = [_underlined("API reference", "="), "", ".. currentmodule:: divergences", ""]
    for chapter in sorted(chapters, key=lambda c: order.index(c) if c in order else len(order)):
        lines += [_underlined(chapter, "-"), "", *_summary(chapters[chapter]), ""]
    known = public_names()
    contracts = [path for path in CONTRACTS if path.split(".")[-1] not in known]
    lines += [_underlined("Contracts, for those who add to the package", "-"), ""]
    return "\n".join([*lines, *_summary(contracts), ""])


def write_reference(path: Path) -> None:
    """Write the reference where Sphinx finds it, touching the file only if it changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = reference()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _chapter(folder: str) -> str:
    if folder in CHAPTERS:
        return CHAPTERS[folder]
    doc = importlib.import_module(f"divergences.{folder}").__doc__ or folder
    return doc.split("\n")[0].split(":")[0].rstrip(".")


def _summary(names: list[str]) -> list[str]:
    return [".. autosummary::", "   :toctree: .", "", *(f"   {name}" for name in names)]


def _underlined(title: str, character: str) -> str:
    return f"{title}\n{character * len(title)}"


def escape_markup(app, what, name, obj, options, lines) -> None:
    """Keep |x - y| and f_-i in docstrings from being read as markup."""
    examples = False
    for i, line in enumerate(lines):
        heading = i + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[i + 1].strip())
        if heading:
            examples = line.strip() == "Examples"
        if not examples:
            lines[i] = re.sub(r"(?<!\\)\||(?<=\w)_(?=[^\w\s`])", r"\\\g<0>", line)


def skip_borrowed(app, what, name, obj, skip, options) -> bool | None:
    """Leave out what scikit-learn adds to its estimators: its text links to its own site."""
    return True if name in {"set_fit_request", "set_score_request"} else None


def setup(app) -> dict:
    """Register the `catalogue` directive and the hooks."""
    from sphinx.util.docutils import SphinxDirective

    class Catalogue(SphinxDirective):
        required_arguments = 1

        def run(self) -> list:
            return self.parse_text_to_nodes(TABLES[self.arguments[0]]())

    app.add_directive("catalogue", Catalogue)
    # Before numpydoc, whose priority is 500.
    app.connect("autodoc-process-docstring", escape_markup, priority=400)
    app.connect("autodoc-skip-member", skip_borrowed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    print(divergence_table())
