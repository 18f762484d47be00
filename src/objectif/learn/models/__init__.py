"""Models by name: behind the door, files named onnx:PATH or hub:NAME, and several side by side, A+B."""

from __future__ import annotations

from objectif.learn.models.base import Model
from objectif.plugins import load


def find(name: str) -> Model:
    """The model called `name`; PluginError says what there is."""
    if name.startswith("onnx:"):
        from objectif.learn.models.onnxfile import from_file

        return from_file(name)
    if name.startswith("hub:"):
        from objectif.learn.models.hub import from_hub

        return from_hub(name)
    if "+" in name:
        from objectif.learn.models.fused import fuse

        return fuse([find(part) for part in name.split("+")])
    model: Model = load("models", name)
    return model
