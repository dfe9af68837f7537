"""Print the lowest versions of the dependencies that pyproject.toml allows, as pip constraints.

``make test-oldest`` installs these versions, and runs the core of the tests with them.
"""

import re
import tomllib
from pathlib import Path

EXTRAS = ("cells", "excel", "metrics", "onnx")
TEST_TOOLS = ("pandas", "openpyxl")
_LOWER_BOUND = re.compile(r"([\w-]+)(?:\[[\w,]+\])?>=([\w.]+)")


def lowest_versions(pyproject: str) -> list[str]:
    r"""Return ``name==version`` for each dependency, the tested extras, and libraries of tests.

    Examples
    --------
    >>> lowest_versions('[project]\\ndependencies = ["numpy>=2.0"]\noptional-dependencies = {}')
    ['numpy==2.0']
    """
    project = tomllib.loads(pyproject)["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"]]
    for extra in EXTRAS:
        requirements += extras.get(extra, [])
    requirements += [r for r in extras.get("dev", []) if r.startswith(TEST_TOOLS)]
    bounds = [_LOWER_BOUND.match(requirement) for requirement in requirements]
    return sorted({f"{bound[1]}=={bound[2]}" for bound in bounds if bound})


if __name__ == "__main__":
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    print("\n".join(lowest_versions(pyproject.read_text())))
