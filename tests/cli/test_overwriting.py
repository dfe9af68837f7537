"""`latentmap fit` protects models of earlier fits."""

import pytest


@pytest.fixture
def model(run, tmp_path):
    path = tmp_path / "model.safetensors"
    run("fit", "wine", "-n", "4", "--epochs", "1", "-o", path)
    return path


def test_another_model_needs_force(run, model):
    before = model.read_bytes()
    result = run("fit", "wine", "-n", "5", "--epochs", "1", "-o", model, code=2)
    assert "an AutoEncoder with 4 components of wine" in result.stderr
    assert "--force" in result.stderr
    result = run("fit", "breast_cancer", "-n", "4", "--epochs", "1", "-o", model, code=2)
    assert "--force" in result.stderr
    assert model.read_bytes() == before
    run("fit", "breast_cancer", "-n", "4", "--epochs", "1", "-o", model, "--force")
    assert model.read_bytes() != before


def test_the_same_model_and_its_pictures_are_replaced(run, model):
    outdated = model.with_suffix(".plane.png")
    outdated.write_bytes(b"a picture of an earlier model")
    run("fit", "wine", "-n", "4", "--epochs", "2", "-o", model)
    assert not outdated.exists() and model.with_suffix(".codes.png").exists()


def test_another_file_needs_force(run, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_text("something else")
    result = run("fit", "wine", "-n", "4", "--epochs", "1", "-o", path, code=2)
    assert "found another file" in result.stderr and path.read_text() == "something else"


def test_a_fit_that_was_interrupted_before_its_report_is_repeated(run, tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    command = ["fit", "wine", "-n", "4", "--epochs", "1", "-o", tmp_path / "model.safetensors"]
    with monkeypatch.context() as patch:
        patch.setattr("latentmap.cli.fit_report.measure_quality", interrupt)
        assert "the quality and the plots are missing" in run(*command, code=130).stderr
    run(*command)


def test_an_unknown_recipe_is_reported_before_the_model_of_another(run, model):
    result = run("fit", "wine", "-n", "5", "--recipe", "wide", "-o", model, code=2)
    assert "unknown recipe 'wide'" in result.stderr and "--force" not in result.stderr
