"""Tests of the GPU benchmark with tiny sizes on the CPU, of its cards, and of measured modules."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from latentmap.backend import has_accelerator

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "gpu.json"


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("gpu", ROOT / "benchmarks" / "gpu.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "teraflops"),
    [
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA H200", 989),
        ("NVIDIA A100-SXM4-40GB", 312),
        ("NVIDIA L4", 121),
        ("NVIDIA L40S", None),
        ("Tesla T4", 65),
        ("cpu", None),
    ],
)
def test_stated_peak_of_known_cards(gpu, name, teraflops):
    assert gpu.stated_peak(name) == (None if teraflops is None else teraflops * 1e12)


def test_benchmark_without_a_gpu_exits_and_writes_no_file():
    if has_accelerator():
        pytest.skip("a GPU is available")
    before = RESULT.read_bytes() if RESULT.exists() else None
    result = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "gpu.py"], capture_output=True, text=True
    )
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("no GPU: expected")
    assert not result.stdout
    assert before == (RESULT.read_bytes() if RESULT.exists() else None)


@pytest.mark.slow
def test_smoke_run_measures_all_figures(gpu, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--smoke"])
    monkeypatch.setattr(gpu, "SMOKE", gpu.SMOKE._replace(fitted=200, encoded=500))
    monkeypatch.setattr(gpu, "write_result", None)  # A call would fail.
    gpu.main()
    *table, metrics = capsys.readouterr().out.splitlines()
    metrics = json.loads(metrics)
    map_metrics, rates = metrics["map"], metrics["wide"]["rates"]
    assert table[0].startswith(f"| {metrics['card']} |")
    assert 0 < map_metrics["training_seconds_second"] < map_metrics["fit_seconds_second"]
    assert 0 < map_metrics["layout_seconds_second"] < map_metrics["fit_seconds_second"]
    assert set(rates) == {"bfloat16", "float32"}
    assert metrics["encoding"]["rows_a_second_from_memory"] > 0


def test_the_module_of_each_dependency_is_installed(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    dependencies = importlib.import_module("dependencies")
    names = [Requirement(text).name.lower() for text in dependencies.declared_requirements()]
    modules = {name: dependencies.module_name(name) for name in names}
    assert modules["charset-normalizer"] == "charset_normalizer"
    missing = [name for name, module in modules.items() if importlib.util.find_spec(module) is None]
    assert not missing
