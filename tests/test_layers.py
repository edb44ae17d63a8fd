"""Arrows point one way: the import graph has no cycle and keeps to the design's layers."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "divergences"

# Which layers a layer may import from when it is loaded, besides itself.
BASE = {"checks", "confidence", "errors", "numerals"}
ALLOWED = {
    "checks": set(),
    "confidence": set(),
    "errors": set(),
    "numerals": set(),
    "reading": set(),
    "naming": {"definitions", "estimation"},
    "work": BASE,
    "estimate": BASE | {"reading"},
    "measures": BASE,
    "definitions": BASE,
    "density": BASE | {"work", "measures"},
    "networks": BASE,
    "closed_form": BASE | {"work", "measures", "definitions", "density", "estimate", "inference"},
    "inference": BASE | {"work", "measures", "definitions", "density", "estimate"},
    "estimators": BASE
    | {"work", "measures", "definitions", "density", "networks", "estimate", "inference"},
    "generative": BASE | {"work", "measures", "definitions", "density", "networks", "closed_form"},
    "estimation": BASE | {"work", "measures", "definitions", "estimate", "estimators"},
    "two_sample": BASE
    | {"work", "measures", "definitions", "estimate", "estimators", "inference", "estimation"},
    "evaluation": BASE
    | {
        "work",
        "measures",
        "definitions",
        "density",
        "estimate",
        "estimators",
        "estimation",
        "inference",
        "generative",
        "report",
    },
    "api": {"measures", "definitions", "estimation", "estimators"},
}
TOP = {"__init__", "__main__", "cli", "demo", "demo_training", "views", "report", "training"}

# Imports of ours inside functions: each is a decision, so each is listed.
DEFERRED = {
    ("definitions.definition", "estimators"): "definition.loss is the everyday call of training",
    ("estimate", "report"): "estimate.plot reaches for the figures",
    ("generative.gan", "training"): "the short form of minimize",
    ("generative.graphical_model", "report"): "plot_graph reaches for the figures",
    ("estimation", "closed_form"): "scipy.stats is loaded only for exact values",
    ("estimation", "report"): "compare returns a table",
}

HEAVY = {"torch", "sklearn", "ot", "matplotlib", "pandas", "polars", "pyarrow", "narwhals"}
HEAVY_AT_LOAD = {
    "density.kernel_density": "a scikit-learn estimator inherits from its base class",
    "estimators.transport.lipschitz_fit": "it is torch throughout",
    "estimators.neural_training": "it is torch throughout",
    "estimators.pairwise_kernel_loss": "a torch.autograd.Function is a class",
}
HEAVY_FOLDERS = {"generative", "networks"}  # a torch module or an estimator is a class


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] == "__init__" and len(parts) > 1:
            parts = parts[:-1]
        found[".".join(parts)] = path
    return found


def is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imported(node: ast.AST, names: dict[str, Path]) -> set[str]:
    """Modules of ours that one import statement names."""
    targets = []
    if isinstance(node, ast.Import):
        targets = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        assert node.level == 0, "imports are absolute"
        targets = [f"{node.module}.{alias.name}" for alias in node.names]
    ours = {target.removeprefix("divergences.") for target in targets if ours_is(target)}
    return {closest(target, names) for target in ours}


def ours_is(target: str) -> bool:
    return target == "divergences" or target.startswith("divergences.")


def closest(target: str, names: dict[str, Path]) -> str:
    while target not in names and "." in target:
        target = target.rpartition(".")[0]
    return target if target in names else "__init__"


def at_load(path: Path, names: dict[str, Path]) -> set[str]:
    """Modules of ours that loading a module loads."""
    found: set[str] = set()
    waiting = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if is_type_checking(node) or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        found |= imported(node, names)
        waiting.extend(ast.iter_child_nodes(node))
    return found


def when_called(path: Path, names: dict[str, Path]) -> set[str]:
    """Modules of ours that functions load when they run."""
    found: set[str] = set()
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                found |= imported(node, names)
    return found


def layer(module: str) -> str:
    return module.partition(".")[0]


NAMES = modules()


def test_the_graph_of_modules_has_no_cycle():
    graph = {name: at_load(path, NAMES) - {name} for name, path in NAMES.items()}
    # Importing a module of a folder loads the folder's __init__ on the way, not as a dependency.
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"cycle: {' -> '.join(error.args[1])}")
    assert set(order) == set(NAMES)


def test_a_cycle_would_be_seen():
    with pytest.raises(CycleError):
        list(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


@pytest.mark.parametrize("module", sorted(NAMES))
def test_modules_import_from_lower_layers_only(module):
    own = layer(module)
    if own in TOP:
        return
    assert own in ALLOWED, f"{module} is in no layer; give {own!r} its place in ALLOWED"
    reached = {layer(target) for target in at_load(NAMES[module], NAMES)} - {own}
    assert reached <= ALLOWED[own], f"{module} reaches {reached - ALLOWED[own]}"


@pytest.mark.parametrize("module", sorted(NAMES))
def test_deferred_imports_that_go_up_are_listed(module):
    own = layer(module)
    if own in TOP:
        return
    reached = {layer(target) for target in when_called(NAMES[module], NAMES)} - {own}
    upward = {target for target in reached - ALLOWED[own] if (module, target) not in DEFERRED}
    assert not upward, f"{module} reaches {upward} from inside a function"


def test_no_listed_exception_is_stale():
    for module, target in DEFERRED:
        reached = {layer(name) for name in when_called(NAMES[module], NAMES)}
        assert target in reached, f"{module} no longer reaches {target}"


def test_layers_themselves_have_an_order():
    list(TopologicalSorter(ALLOWED).static_order())


def heavy_at_load(path: Path) -> set[str]:
    found: set[str] = set()
    waiting = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if is_type_checking(node) or isinstance(node, ast.FunctionDef):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
        waiting.extend(ast.iter_child_nodes(node))
    return found & HEAVY


def test_heavy_libraries_are_loaded_by_few_modules_that_load_late():
    below = {name: path for name, path in NAMES.items() if layer(name) not in TOP}
    heavy = {name for name in below if layer(name) in HEAVY_FOLDERS} | set(HEAVY_AT_LOAD)
    assert {name for name, path in below.items() if heavy_at_load(path)} <= heavy
    assert all(heavy_at_load(below[name]) for name in HEAVY_AT_LOAD)
    for name in set(below) - heavy:
        assert not at_load(below[name], NAMES) & heavy, f"{name} loads a heavy module"
