"""Measure the installed size and the import time of each dependency of latentmap.

An import is timed in a new process as processor time, minus that of Python without an import. It
includes the imports of other packages, such as NumPy.

    python benchmarks/dependencies.py
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from common import ROOT, write_result
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPEATS = 5
# Names of modules that differ from the names of their packages.
MODULES = {"faiss-cpu": "faiss", "opentsne": "openTSNE", "pillow": "PIL", "scikit-learn": "sklearn"}
PUBLIC_IMPORTS = {
    "`import latentmap`": "import latentmap",
    "`from latentmap import load_model`": "from latentmap import load_model",
    "`from latentmap import LatentMap`": "from latentmap import LatentMap",
    "`from latentmap.backend import start_engine; start_engine()`": (
        "from latentmap.backend import start_engine; start_engine()"
    ),
}


def declared_requirements() -> list[str]:
    """Return the dependencies that pyproject.toml declares, without those of extras."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def module_name(package: str) -> str:
    """Return the name of the module that a package installs."""
    return MODULES.get(package, package.replace("-", "_"))


def installed_requirements(requirements: Iterable[str]) -> dict[str, Distribution]:
    """Return the installed packages that requirements name, and those that these need, by name."""
    packages: dict[str, Distribution] = {}
    remaining = [*requirements]
    while remaining:
        requirement = Requirement(remaining.pop())
        name = canonicalize_name(requirement.name)
        is_needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if name in packages or not is_needed:
            continue
        try:
            packages[name] = distribution(name)
        except PackageNotFoundError:
            raise SystemExit(f"{name}: expected an installed package, found none") from None
        remaining += packages[name].requires or []
    return packages


def size(packages: Iterable[Distribution]) -> float:
    """Return the size of the files of packages in MB, with compiled modules."""
    paths = [file.locate() for package in packages for file in package.files or []]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def size_saved_without(requirement: str, requirements: list[str]) -> float:
    """Return the size of the packages that are installed only because of one requirement."""
    others = installed_requirements(r for r in requirements if r != requirement)
    packages = installed_requirements([requirement])
    return size(package for name, package in packages.items() if name not in others)


def processor_seconds(code: str) -> float:
    """Return the median processor time of a new process that runs code, in seconds."""
    times, environment = [], {**os.environ, "KERAS_BACKEND": "jax"}
    for _ in range(REPEATS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times)


def measure() -> dict[str, dict[str, float]]:
    """Return the sizes and the import time of each declared dependency."""
    requirements, python = declared_requirements(), processor_seconds("")
    figures = {}
    for requirement in requirements:
        name = canonicalize_name(Requirement(requirement).name)
        module = module_name(name)
        figures[name] = {
            "megabytes": size([distribution(name)]),
            "megabytes_saved_without_it": size_saved_without(requirement, requirements),
            "import_seconds": max(0.0, processor_seconds(f"import {module}") - python),
        }
    return figures


def table(
    figures: Mapping[str, Mapping[str, float]], imports: Mapping[str, float], total: float
) -> str:
    """Return both tables as Markdown."""
    lines = [
        "| dependency | size, MB | size saved without it, MB | import, s |",
        "|---|---|---|---|",
    ]
    by_size = sorted(figures.items(), key=lambda item: -item[1]["megabytes_saved_without_it"])
    for name, row in by_size:
        sizes = f"{row['megabytes']:.1f} | {row['megabytes_saved_without_it']:.1f}"
        lines.append(f"| {name} | {sizes} | {row['import_seconds']:.2f} |")
    lines += [f"| all, with their own dependencies | {total:.0f} | | |", ""]
    lines += ["| import in a new process | s |", "|---|---|"]
    lines += [f"| {name} | {seconds:.2f} |" for name, seconds in imports.items()]
    text = (
        "The size saved without a dependency is its own and that of the packages that nothing "
        "else needs. Import "
        "times are processor times without that of Python, in an environment that also has the "
        f"extra dev, from which Keras imports pandas; medians of {REPEATS} runs; "
        "`python benchmarks/dependencies.py`."
    )
    return "\n".join([*lines, "", text])


def main() -> None:
    """Measure all dependencies and write the figures."""
    figures, python = measure(), processor_seconds("")
    imports = {name: processor_seconds(code) - python for name, code in PUBLIC_IMPORTS.items()}
    total = size(installed_requirements(declared_requirements()).values())
    metrics = {"dependencies": figures, "imports": imports, "megabytes": total}
    write_result("dependencies", metrics, table(figures, imports, total), sorted(figures))


if __name__ == "__main__":
    main()
