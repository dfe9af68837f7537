"""Export of fitted models to ONNX files, which other programs run without latentmap and Keras."""
