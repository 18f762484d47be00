"""Network: one ONNX graph on onnxruntime, held to the contract that every Solution's network keeps.

Why a class of our own around InferenceSession: the contract (names, ranks, types) is checked once, when the
file is opened, with a message that says what is wrong; afterwards a batch goes in and named arrays come out.

One session serves any number of callers: onnxruntime's run() may be called from many threads, releases the
interpreter's lock, and with threads=1 computes on the calling thread. So worker threads share one session and one
copy of the weights; a session for each worker was rejected: the same speed, and the weights once per core.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from objectif.errors import InputError, SolutionError
from objectif.images.prepare import Placement, Preparation

INPUT, COLUMNS = "image", "columns"
NAMES_KEY = "objectif.columns"
"""Metadata of a graph with the input `columns`: a JSON list of their names, in order."""
SCORES, DISTANCE, EMBEDDING = "scores", "distance", "embedding"
_INPUT_TYPES: dict[str, type[np.generic]] = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}


def cores() -> int:
    """Cores that this process may use (its affinity, not the machine's number)."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on macOS and Windows
        return max(1, os.cpu_count() or 1)


def usual_batch(preparation: Preparation, precision: str) -> int:
    """Small images share the cost of a run; the layers of four large ones no longer fit a core's cache.

    Measured for a detector on one core, milliseconds an image by itself and in fours: 1.85 and 1.66 at 128 px, 5.1 and
    5.0 at 224, 6.5 and 7.7 at 256, 9.7 and 10.5 at 320; in eight bits, whose layers are a quarter, 5.5 and 5.3 at 320.
    """
    side = 480 if precision == "int8" else 240
    return 4 if preparation.height * preparation.width <= side * side else 1


class Network:
    """An ONNX graph with input `image` (N,H,W,C) and, unless told otherwise, the output `scores` (N,C).

    columns: names of what it wants to know of each picture beside its pixels, by a second input `columns` (N, K) float32.

    onnx: the graph's bytes, or its file. threads: that one run() may use; None is every core of this process.
    spin: whether idle threads burn their core while they wait for the next operator; quicker when the network runs
    alone, slower when anything else (decoding) wants the cores. needs: outputs that must be there.
    Raises SolutionError where the graph cannot be opened or breaks the contract.
    """

    def __init__(
        self,
        onnx: bytes | Path,
        *,
        threads: int | None = None,
        spin: bool = False,
        needs: tuple[str, ...] = (SCORES,),
    ) -> None:
        self.threads = cores() if threads is None else max(1, threads)
        self._session = _open(onnx, self.threads, spin)
        self._outputs: list[str] = [o.name for o in self._session.get_outputs()]
        found = {i.name: i for i in self._session.get_inputs()}
        self.columns = _columns(self._session, found)
        if (
            set(found) != {INPUT, *([COLUMNS] if self.columns else [])}
            or len(found[INPUT].shape) != 4
            or found[INPUT].type not in _INPUT_TYPES
        ):
            met = ", ".join(f"{i.name} {i.type} {i.shape}" for i in found.values())
            raise SolutionError(
                f"the network takes {met or 'nothing'}; expected one input {INPUT!r} (N, height, width, channels) "
                "of uint8 or float32. Export it again with that input."
            )
        missing = [name for name in needs if name not in self._outputs]
        if missing:
            raise SolutionError(
                f"the network gives {', '.join(self._outputs)}; expected {', '.join(missing)} too. "
                "Export it again with every output of the contract."
            )
        self.dtype = np.dtype(_INPUT_TYPES[found[INPUT].type])
        self.shape: tuple[int | None, ...] = tuple(
            size if isinstance(size, int) else None for size in found[INPUT].shape
        )

    @property
    def any_size(self) -> bool:
        """Whether images of any height and width can be run."""
        return self.shape[1:3] == (None, None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outputs: scores, embedding and, where the network has one, map."""
        return tuple(self._outputs)

    def outputs(
        self,
        batch: NDArray[Any],
        names: tuple[str, ...] | None = None,
        columns: NDArray[np.float32] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Run a batch (N,H,W,C), uint8 or float32 in 0..255; returns name -> (N, ...) array.

        names: only these outputs (what they do not need is not computed); None is all of them. columns: (N, K) what
        side() gives; None is zeros, good enough to measure time by.
        """
        wanted = self._outputs if names is None else list(names)
        feed = {INPUT: self._as_input(batch)}
        if self.columns:
            shape = (len(batch), len(self.columns))
            feed[COLUMNS] = np.zeros(shape, np.float32) if columns is None else columns
        try:
            values = self._session.run(wanted, feed)
        except Exception as error:  # onnxruntime's errors have no public base class
            raise SolutionError(
                f"the network cannot run a batch of shape {batch.shape}: {_first_line(error)}. "
                f"It expects {self.shape}; check the preparation it was exported with."
            ) from error
        return dict(zip(wanted, (np.asarray(v) for v in values), strict=True))

    def scores(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """(N, classes) raw scores of a batch; nothing else is computed."""
        return self.outputs(batch, (SCORES,))[SCORES]

    def side(self, placements: Sequence[Placement]) -> NDArray[np.float32] | None:
        """(N, K) what is known of these pictures, in the network's order; None where it takes no side columns.

        InputError names the first picture's column that is missing.
        """
        if not self.columns:
            return None
        for place in placements:
            lacking = [name for name in self.columns if name not in place.known]
            if lacking:
                raise InputError(lacks(lacking[0]))
        rows = [[place.known[name] for name in self.columns] for place in placements]
        return np.array(rows, np.float32).reshape(len(rows), len(self.columns))

    def _as_input(self, batch: NDArray[Any]) -> NDArray[Any]:
        if batch.dtype == self.dtype:
            return np.ascontiguousarray(batch)
        if self.dtype == np.uint8:  # 16-bit pictures arrive as fractions of a level
            batch = np.clip(np.rint(batch), 0, 255)
        return np.ascontiguousarray(batch, dtype=self.dtype)


def _open(onnx: bytes | Path, threads: int, spin: bool) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = (
        3  # errors reach the caller as exceptions; warnings of its own are noise to a user
    )
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spin else "0")
    preferred = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [p for p in preferred if p in ort.get_available_providers()]
    try:
        return ort.InferenceSession(
            onnx if isinstance(onnx, bytes) else os.fspath(onnx), options, providers=providers
        )
    except Exception as error:  # onnxruntime's errors have no public base class
        what = f"{len(onnx)} bytes" if isinstance(onnx, bytes) else str(onnx)
        raise SolutionError(
            f"the network ({what}) cannot be opened: {_first_line(error)}. "
            "Expected an ONNX graph that this onnxruntime knows; copy the file again, or upgrade onnxruntime."
        ) from error


def lacks(column: str) -> str:
    """What is said where a side column is not known."""
    return (
        f"nothing is known of {column!r}, which this Solution takes beside the picture; give it with --columns "
        f"FILE.csv (path,{column},...), or the dates and subjects that it is made from"
    )


def _columns(session: ort.InferenceSession, inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the side columns that a graph says it takes; () where it has no such input."""
    if COLUMNS not in inputs:
        return ()
    try:
        names = json.loads(session.get_modelmeta().custom_metadata_map.get(NAMES_KEY, "[]"))
    except ValueError:
        names = []
    shape = inputs[COLUMNS].shape
    if len(shape) != 2 or shape[1] != len(names) or inputs[COLUMNS].type != "tensor(float)":
        raise SolutionError(
            f"the network takes {COLUMNS} {inputs[COLUMNS].type} {shape} and names {names}; expected float32 "
            "(N, K) and K names in its metadata. Export it again."
        )
    return tuple(str(name) for name in names)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].removeprefix("[ONNXRuntimeError] : ").rstrip(". ")
