"""Models by name: behind the door, files named onnx:PATH, hub:NAME and yolox_nano:PATH, several side by side, A+B."""

from __future__ import annotations

from objectif.errors import PluginError
from objectif.learn.models.base import Learner, Model
from objectif.plugins import load

EMBEDDER = "embed:"
"""Prefix of an ONNX file whose output is the answer itself: what 'onnx:PATH' means where the task is to identify."""


def for_task(name: str, task: str) -> str:
    """The name under which a model takes part in a task: of 'onnx:PATH' there are two, features for a head and embeddings."""
    same = task == "identify" and name.startswith("onnx:")
    return EMBEDDER + name.removeprefix("onnx:") if same else name


def find(name: str) -> Model | Learner:
    """The model called `name`; PluginError says what there is."""
    if name.startswith("onnx:"):
        from objectif.learn.models.onnxfile import from_file

        return from_file(name)
    if name.startswith(EMBEDDER):
        from objectif.learn.models.identify.foreign import from_file as as_embedder

        return as_embedder(name)
    if name.startswith("hub:"):  # of either kind
        from objectif.learn.models.hub import from_hub

        return from_hub(name)
    if name.startswith("yolox_nano:"):
        from objectif.learn.models.detect.yolox import from_weights

        return from_weights(name)
    if "+" in name:
        from objectif.learn.models.fused import fuse

        return fuse([find_model(part) for part in name.split("+")])
    model: Model | Learner = load("models", name)
    return model


def find_model(name: str) -> Model:
    """The model called `name`, which gets a head on its features; PluginError where it is none of these."""
    found = find(name)
    if isinstance(found, Model):
        return found
    raise PluginError(f"model {name!r} is trained as a whole; expected one with features and a head.")


def find_learner(name: str) -> Learner:
    """The model called `name`, which is trained as a whole; PluginError where it is none of these."""
    found = find(name)
    if isinstance(found, Learner):
        return found
    raise PluginError(f"model {name!r} has features and a head; expected one that is trained as a whole.")
