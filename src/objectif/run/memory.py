"""Peak memory of running a network or a Solution, measured in a child process that does nothing else.

In the asking process the peak is that of its whole life, torch and all. The child's own high-water mark is read from
/proc (VmHWM): getrusage would be wrong on Linux, where a child inherits its parent's maximum through fork and exec.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from objectif.errors import RunError

_SECONDS = 600


def of_network(onnx: bytes | Path, shape: tuple[int, int, int], *, threads: int | None = None) -> float:
    """Peak resident memory, in MB (10^6 bytes), of a process that runs one image (height, width, channels).

    Everything counts: the interpreter, numpy, onnxruntime and the weights. Raises RunError where the child fails.
    """
    with tempfile.TemporaryDirectory(prefix="objectif-") as folder:
        path = onnx
        if isinstance(path, bytes):
            path = Path(folder, "network.onnx")
            path.write_bytes(onnx)  # type: ignore[arg-type]
        return _ask({"network": str(path), "shape": shape, "threads": threads})


def of_solution(
    solution: Path, files: Sequence[str], *, precision: str = "auto", tile: str | int = "off"
) -> float:
    """Peak resident memory, in MB, of a process that answers for `files` with all cores. RunError as above.

    tile: as Predictor.predict() takes it.
    """
    job = {"solution": str(solution), "files": list(files), "precision": precision, "tile": tile}
    return _ask(job)


def own_peak() -> float:
    """Highest resident memory of this process so far, in MB."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _ask(job: dict[str, Any]) -> float:
    command = [sys.executable, "-P", "-m", "objectif.run.memory"]
    try:
        child = subprocess.run(
            command, input=json.dumps(job), capture_output=True, text=True, timeout=_SECONDS, check=True
        )
        return float(child.stdout)
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().rsplit("\n", 1)[-1]
        raise RunError(
            f"the process whose memory is measured ended with {error.returncode}: {last}"
        ) from error
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise RunError(f"memory cannot be measured in a process of its own: {error}") from error


def _child() -> None:
    """Does one job, given as JSON on standard input, and prints its own peak."""
    job = json.load(sys.stdin)
    if "network" in job:
        import numpy as np

        from objectif.run.network import Network

        network = Network(Path(job["network"]).read_bytes(), threads=job["threads"])
        network.outputs(np.zeros((1, *job["shape"]), np.uint8))
    else:
        from objectif.run.predictor import load

        predictor = load(job["solution"], precision=job["precision"]).suppose()
        for _ in predictor.predict(job["files"], tile=job["tile"]):
            pass
    print(own_peak())


if __name__ == "__main__":
    _child()
