"""objectif: state an image problem; find out what solves it best; one small file that runs anywhere.

The façade is lazy: `import objectif` loads nothing, so that what needs no torch never meets it.
No room of the package imports it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Gallery": "objectif.run.gallery",
    "Problem": "objectif.problem",
    "Solution": "objectif.solution.file",
    "explain": "objectif.run.explain",
    "inspect": "objectif.facade",
    "load": "objectif.facade",
    "name": "objectif.run.identify",
    "solve": "objectif.facade",
    "teach": "objectif.run.identify",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'objectif' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
