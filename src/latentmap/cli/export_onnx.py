"""``latentmap export``."""

from pathlib import Path

import typer

from latentmap.cli.console import print_message, print_table
from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import MODEL, output_path
from latentmap.cli.row_selection import check_output

EXAMPLES = (
    "latentmap export mnist.safetensors -o mnist.onnx",
    "latentmap export mnist.safetensors -o decoder.onnx --part decoder",
)


def export(
    model: Path = MODEL,
    output: Path = output_path("FILE", "The ONNX file to write (.onnx).", required=True),
    part: str = typer.Option(
        "encoder",
        "--part",
        metavar="PART",
        help="encoder, from rows to codes, or decoder, from codes to rows.",
    ),
) -> None:
    """Export the encoder or the decoder of a model to ONNX.

    The file runs in onnxruntime without latentmap. It contains the preprocessing of the rows, the
    network, and the placement of a map.
    """
    check_output(output, (".onnx",), (model,))
    estimator = open_model(model)
    from latentmap.export.model_export import export_model

    tensors = export_model(estimator, output, part)
    lines = [(t.kind, t.name, t.dtype, "×".join(map(str, ("n", *t.shape)))) for t in tensors]
    print_table(("", "name", "type", "shape"), lines, ())
    print_message(f"Wrote {output}: {part} of {type(estimator).__name__}")
