"""Rules for the structure of the code. The import contracts are in pyproject.toml."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "latentmap"
MODULES = sorted(SOURCE.rglob("*.py"))


def test_import_contracts():
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_module_names_are_unique():
    counts = Counter(path.stem for path in MODULES if path.stem != "__init__")
    assert [name for name, count in counts.items() if count > 1] == []


def get_functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def get_parameters(node):
    arguments = node.args
    all_arguments = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]
    return [
        argument
        for argument in all_arguments
        if argument is not None and argument.arg not in ("self", "cls")
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_functions_have_at_most_ten_parameters(path):
    if path.parent.name == "cli":
        pytest.skip("an option of the command is a parameter of its verb")
    functions = get_functions(path)
    assert [f.name for f in functions if len(get_parameters(f)) > 10] == []


def test_at_most_5_percent_of_the_parameters_are_any():
    annotations = [
        "" if argument.annotation is None else ast.unparse(argument.annotation)
        for path in MODULES
        for node in get_functions(path)
        for argument in get_parameters(node)
    ]
    assert "" not in annotations
    assert annotations.count("Any") <= 0.05 * len(annotations)


def test_classes_have_at_most_two_own_base_classes():
    bases = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = [ast.unparse(base).split("[")[0] for base in node.bases]

    def own_bases(name):
        direct = [base for base in bases.get(name, ()) if base in bases]
        return {*direct, *(base_of_base for base in direct for base_of_base in own_bases(base))}

    assert {name: own_bases(name) for name in bases if len(own_bases(name)) > 2} == {}


def test_description_of_the_architecture_fits_one_page():
    # A4 with margins of 18 mm holds this many lines of Markdown in a font of 10 points.
    lines = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 70
    assert max(map(len, lines)) <= 115


def get_classes():
    """Return the definition of each class, by its name."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in MODULES]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {node.name: node for node in nodes}


def get_base_names(node):
    return [ast.unparse(base).split("[")[0] for base in node.bases]


def get_members(node):
    """Return the names that a class defines: its methods, its annotations and its attributes."""
    methods = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
    annotated = {n.target.id for n in node.body if isinstance(n, ast.AnnAssign)}
    assignments = [n for n in node.body if isinstance(n, ast.Assign)]
    assigned = {n.id for a in assignments for n in ast.walk(a) if isinstance(n, ast.Name)}
    own = {n.attr for n in ast.walk(node) if is_own_attribute(n) and isinstance(n.ctx, ast.Store)}
    return methods | annotated | assigned | own


def is_own_attribute(node):
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def test_base_classes_use_no_members_that_only_subclasses_define():
    classes = get_classes()
    members = {name: get_members(node) for name, node in classes.items()}

    def ancestors(name):
        bases = [base for base in get_base_names(classes[name]) if base in classes]
        return {name, *(ancestor for base in bases for ancestor in ancestors(base))}

    wrong = []
    for name, node in classes.items():
        known = set().union(*(members[ancestor] for ancestor in ancestors(name)))
        subclasses = [other for other in classes if other != name and name in ancestors(other)]
        only_in_subclasses = set().union(*(members[other] for other in subclasses)) - known
        used = {n.attr for n in ast.walk(node) if is_own_attribute(n)}
        wrong += [f"{name}.{attribute}" for attribute in used & only_in_subclasses]
    assert wrong == []


def test_fitted_state_consists_of_frozen_records():
    classes = get_classes()
    # The name and the settings of a network are the JSON data of `network_to_dict`.
    descriptions = {"network", "decoder_network"}
    records = {"FileRecord"}
    while more := {n for n, c in classes.items() if records & {*get_base_names(c)}} - records:
        records |= more
    assert {"AutoEncoderState", "MapState", "MapDiagnostics", "Placement"} <= records
    for name in records:
        decorators = [ast.unparse(decorator) for decorator in classes[name].decorator_list]
        assert any("dataclass(frozen=True" in decorator for decorator in decorators), name
        fields = [n for n in classes[name].body if isinstance(n, ast.AnnAssign)]
        dicts = {n.target.id for n in fields if ast.unparse(n.annotation).startswith("dict")}
        assert dicts <= descriptions, name


# Expressions that only one module may contain, because the others use its functions.
ONE_PLACE = {
    "ContextVar(": {"context.py"},
    "threading.local(": set(),
    "MemoryShare(": {"memory.py"},
    ".samefile(": {"files.py"},
    "os.access(": {"files.py", "memmap.py"},  # memmap.py checks the cache folder, not an output.
    'getattr(estimator, "table_"': {"model_info.py"},
    'getattr(estimator, "fit_report_"': {
        "model_info.py",
        "persistence.py",
        "notebook_display.py",
    },
}


@pytest.mark.parametrize("expression", ONE_PLACE)
def test_an_expression_stands_in_one_module(expression):
    modules = {path.name for path in MODULES if expression in path.read_text(encoding="utf-8")}
    assert modules == ONE_PLACE[expression]


def test_batches_are_read_by_one_function():
    """Packages above data and training call `read_batches` instead of `Source.batches`."""
    packages = ("analysis", "metrics", "plots", "cli", "explorer", "maps", "autoencoders", "export")
    for path in MODULES:
        if path.parent.name in packages:
            assert ".batches(" not in path.read_text(encoding="utf-8"), path
