"""Run the examples on fewer rows."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def load_example(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_article_example_draws_its_pictures(tmp_path, capsys):
    load_example("article").main(tmp_path, n_fitted=2000)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "article.codes.png",
        "article.loss.png",
        "article.reconstructions.png",
    ]
    assert "dense" in capsys.readouterr().out


def test_faces_example_draws_its_pictures(faces, tmp_path, capsys):
    load_example("faces").main(faces, tmp_path, n_components=16, network="linear")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "faces.new.png",
        "faces.other.png",
        "faces.reconstructions.png",
        "faces.same.png",
        "faces.similar.png",
        "faces.walk.png",
    ]
    output = capsys.readouterr().out
    assert "person-31 and person-32: distance" in output
    assert float(output.split("same person's for ")[1].split("%")[0]) > 95


@pytest.mark.slow
def test_notebook_example_runs(monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("anywidget", reason="the extra notebook is not installed")
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent / "src"))
    notebook = nbformat.read(EXAMPLES / "digits.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    data = [output["data"] for output in outputs if "data" in output]
    html = " ".join(item.get("text/html", "") for item in data)
    assert "<progress value=" in html and "R² of the layout" in html
    assert sum("image/png" in item for item in data) == 2
    assert any("application/vnd.jupyter.widget-view+json" in item for item in data)
    assert data[-1]["text/plain"].startswith("array([]")
