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


# A map has settings of the layout, the placement and the networks; scikit-learn's TSNE has 15.
MANY_PARAMETERS = {"latent_map.py": {"__init__": 13}}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_functions_have_at_most_ten_parameters(path):
    if path.parent.name == "cli":
        pytest.skip("an option of the command is a parameter of its verb")
    limits = MANY_PARAMETERS.get(path.name, {})
    functions = get_functions(path)
    assert [f.name for f in functions if len(get_parameters(f)) > limits.get(f.name, 10)] == []


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
