"""An extractor as an ONNX graph: traced once, kept on disk, filled with other weights as often as needed.

A race needs a network for every fold of every fine-tuned candidate, and tracing costs seconds. So the trace is kept with its parameters under their own names ("blocks.3._bn1.weight"), and a trained network is that
file with the tensors exchanged, then simplified (batch normalisation folded into convolutions), in a tenth of a second.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import numpy_helper
from torch import Tensor

from objectif.learn.models.base import Features, Model

OPSET = 18


def cache_folder() -> Path:
    """Where traces are kept: $XDG_CACHE_HOME/objectif, or a temporary folder where that cannot be written."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "objectif" / "graphs"
    try:
        root.mkdir(parents=True, exist_ok=True)
        if os.access(root, os.W_OK):
            return root
    except OSError:
        pass
    fallback = Path(tempfile.gettempdir()) / f"objectif-{os.getuid()}"
    fallback.mkdir(exist_ok=True)
    return fallback


def template(model: Model, channels: int = 3, floating: bool = False) -> bytes:
    """The traced extractor of `model` with its parameters by name; from the cache where it has been traced before.

    floating: the input is float32 in 0..255 (16-bit images) instead of uint8.
    """
    if model.graph is not None:
        return model.graph()
    key = f"{model.features}-{model.version}-{channels}-{floating}-{model.size}-{torch.__version__}-{OPSET}"
    if model.multiple > 1:
        key = key.replace(f"-{model.size}-", f"-any{model.multiple}-")
    path = cache_folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.onnx"
    if path.exists():
        return path.read_bytes()
    graph = trace(model.build(channels), model, channels, floating)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(graph)
    os.replace(temporary, path)
    return graph


def trace(features: Features, model: Model, channels: int, floating: bool) -> bytes:
    """Trace an extractor to ONNX: input `image`, outputs `embedding` and, where it has one, `map`.

    The TorchScript exporter, because it takes one second where the one by torch.export takes twenty on one core.
    """
    features.eval()
    true = {name: tensor.clone() for name, tensor in features.state_dict().items()}
    with torch.no_grad():  # the exporter merges parameters of equal values, so that they lose their names
        for tensor in features.state_dict().values():
            if tensor.dtype.is_floating_point:
                tensor.copy_(torch.rand_like(tensor))
    kind = torch.float32 if floating else torch.uint8
    image = torch.zeros((2, model.size, model.size, channels), dtype=kind)
    image_axes = {0: "n", 1: "h", 2: "w"} if model.multiple > 1 else {0: "n"}
    axes = {"image": image_axes, "embedding": {0: "n"}, "map": {0: "n", 1: "mh", 2: "mw"}}
    outputs = ["embedding", "map"] if features.map_width else ["embedding"]
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that it is the older exporter
        torch.onnx.export(
            features,
            (image,),
            stream,  # type: ignore[arg-type]  # it takes any binary file, its annotation says paths alone
            input_names=["image"],
            output_names=outputs,
            dynamic_axes={name: axes[name] for name in ("image", *outputs)},
            opset_version=OPSET,
            dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE,  # else parameters are folded and lose their names
            do_constant_folding=False,
        )
    proto = onnx.load_from_string(stream.getvalue())
    exchange(proto, true, strict=False)  # a foreign network may carry parameters that its features do not use
    return bytes(proto.SerializeToString())


def fill(graph: bytes, state: dict[str, Tensor] | None = None) -> bytes:
    """The traced graph with these parameters (None: as traced), simplified for running.

    onnxruntime's basic level folds constants, padding and normalisation and keeps to standard operators.
    """
    proto = onnx.load_from_string(graph)
    if state is not None:
        exchange(proto, state)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "simple.onnx"
        options.optimized_model_filepath = str(target)
        ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
        simple = onnx.load(target)
    for operators in [o for o in simple.opset_import if o.domain]:
        simple.opset_import.remove(operators)
    onnx.checker.check_model(simple)
    return bytes(simple.SerializeToString())


def exchange(proto: onnx.ModelProto, state: dict[str, Tensor], *, strict: bool = True) -> None:
    """Put the tensors of a state dict in the place of the initialisers of the same names.

    strict: ValueError where a tensor has no place in the graph: an untrained network would leave the race.
    """
    places = {tensor.name: tensor for tensor in proto.graph.initializer}
    missing = [n for n in state if n not in places and not n.endswith("num_batches_tracked")]
    if missing and strict:
        raise ValueError(f"{len(missing)} trained tensors have no place in the graph, first {missing[0]!r}")
    for name, tensor in state.items():
        if name in places:
            kept = tensor.float() if tensor.dtype.is_floating_point else tensor
            array: np.ndarray[Any, Any] = kept.detach().cpu().numpy()
            places[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), name))
