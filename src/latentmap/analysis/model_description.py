"""Description of a model file, read without Keras."""

import os
from typing import Any

from latentmap.model_file import read_model
from latentmap.model_metadata import check_metadata, report_damage
from latentmap.preprocessing.table_metadata import read_table


def describe_model(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the metadata of a model file without building its networks.

    The metadata contain the settings, the history, the fitted state without arrays, the number of
    weights and, for a table, its columns. Raise ModelFileError if the file is missing, damaged or
    not a model file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from latentmap import AutoEncoder
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "tiny.safetensors"
    >>> AutoEncoder(1, random_state=0).fit([[0.0, 1.0], [2.0, 3.0], [4.0, 9.0]]).save(path)
    >>> describe_model(path)["row_shape"]
    [2]
    """
    metadata, arrays = read_model(path)
    with report_damage(path):
        check_metadata(metadata)
        read_table(metadata, arrays)
    n_weights = sum(array.size for name, array in arrays.items() if name.startswith("weight/"))
    return {**metadata, "n_weights": n_weights}
