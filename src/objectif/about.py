"""What a plug-in says of itself, read from its source text: nothing of it is imported.

`objectif list` and the check of a statement must name models and losses and say what they are in a base
install, where torch is missing, and in no time where it is there. Loading each one for its title would import
torch; a second table of titles would go stale. So the source file is found by its path and read as text. What
the text does not say plainly (a title that is computed) is not known here: None, never a guess.
"""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, version
from pathlib import Path

from objectif import plugins


@dataclass(frozen=True)
class About:
    """One plug-in as its metadata and its source text describe it.

    summary: the first paragraph of its file's docstring, on one line; '' where there is none.
    package: the distribution that brings it, with its version.
    constants: what its definition spells out as text or truth, such as {'approach': 'frozen'}.
    """

    kind: str
    name: str
    summary: str
    package: str
    constants: dict[str, str | bool]


@cache
def about(kind: str, name: str) -> About:
    """What is known of `name` behind the door `kind` without importing it; KeyError: no such name."""
    entry = plugins.door(kind)[name]
    tree = _tree(entry)
    constants = _constants(tree, entry.attr) if tree else {}
    doc = (ast.get_docstring(tree) or "") if tree else ""
    first = " ".join(doc.split("\n\n")[0].split())
    return About(kind, name, first, _package(entry), constants)


def source(module: str) -> Path | None:
    """The file of a module, found without importing it or its parents; None where it has no source."""
    top, *below = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None:
        return None
    if not below:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        place = Path(folder, *below)
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if path.is_file():
                return path
    return None


def _tree(entry: EntryPoint) -> ast.Module | None:
    """The parsed source of a plug-in; None where it cannot be found or read."""
    try:
        path = source(entry.module)
        return ast.parse(path.read_text(encoding="utf-8")) if path else None
    except (OSError, ValueError, SyntaxError):
        return None


def _package(entry: EntryPoint) -> str:
    if entry.dist is None:
        return ""
    name = entry.dist.name
    return f"{name} {version(name)}"


def _constants(tree: ast.Module, attribute: str) -> dict[str, str | bool]:
    """Plain values that define `attribute`: arguments of the call, over the body of the class called."""
    value = next((_value(node) for node in tree.body if attribute in _targets(node)), None)
    found: dict[str, str | bool] = {}
    called = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else attribute
    parameters: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == called:
            parameters = [a.arg for a in node.args.args]
            _note_made(found, node)
        if isinstance(node, ast.ClassDef) and node.name == called:
            parameters = [target for part in node.body for target in _targets(part)]
            for part in node.body:
                for target in _targets(part):
                    _note(found, target, _value(part))
                if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                    parameters = [a.arg for a in part.args.args[1:]]
    if isinstance(value, ast.Call):
        for name, argument in zip(parameters, value.args, strict=False):
            _note(found, name, argument)
        for keyword in value.keywords:
            _note(found, keyword.arg or "", keyword.value)
    return found


def _note_made(found: dict[str, str | bool], maker: ast.FunctionDef) -> None:
    """What a function that makes the object spells out by keyword, equal for all that it makes."""
    last = maker.body[-1]
    if isinstance(last, ast.Return) and isinstance(last.value, ast.Call):
        for keyword in last.value.keywords:
            _note(found, keyword.arg or "", keyword.value)


def _note(found: dict[str, str | bool], name: str, value: ast.expr | None) -> None:
    if isinstance(value, ast.Constant) and isinstance(value.value, str | bool):
        found[name] = value.value


def _targets(node: ast.stmt) -> list[str]:
    """Names bound by an assignment."""
    if isinstance(node, ast.Assign):
        return [t.id for t in node.targets if isinstance(t, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _value(node: ast.stmt) -> ast.expr | None:
    return node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
