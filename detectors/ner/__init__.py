"""Named entities by an ONNX token classifier on ONNX Runtime, without torch."""
