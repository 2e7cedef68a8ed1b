"""Docstrings in the house style: what may be raised is named, and the reference tells of every parameter.

That each public symbol has one, and its form, is ruff's to see (`make check`).
"""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from docs.generate.api import PUBLIC

ROOT = Path(__file__).parents[2]
ERRORS = {"ForewarnError", "UsageError", "DataError", "NotFoundError", "ConflictError", "Unreadable"}
OF_PROTOCOL = (
    "fields.py",
    "server_pfs.py",
    "server_pps.py",
)  # a decoder, and calls whose answers Pachyderm defines
FILES = [
    path
    for room in ("features", "models", "pipelines", "reports")
    for path in sorted((ROOT / room).rglob("*.py"))
    if path.name not in OF_PROTOCOL
]


def public(node: ast.AST) -> Iterator[ast.FunctionDef]:
    """Public functions of a module, and of its public classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from public(child)
        elif isinstance(child, ast.FunctionDef) and not child.name.startswith("_"):
            yield child


def raised(node: ast.AST) -> Iterator[str]:
    """Names of the errors a function itself raises, not those of functions within it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call):
            yield ast.unparse(child.exc.func)
        yield from raised(child)


def test_what_a_function_raises_stands_in_its_docstring():
    untold = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {error}"
        for path in FILES
        for node in public(ast.parse(path.read_text("utf-8")))
        for error in sorted(ERRORS & set(raised(node)))
        if error not in (ast.get_docstring(node) or "")
    ]
    assert not untold


@pytest.mark.parametrize("name", [name for names in PUBLIC.values() for name in names])
def test_the_reference_tells_of_every_parameter(name):
    module, _, symbol = name.partition(":")
    found = getattr(import_module(module), symbol)
    told = inspect.getdoc(found)
    assert told
    if not isinstance(found, type):
        missing = [one for one in inspect.signature(found).parameters if not re.search(rf"\b{one}\b", told)]
        assert not missing
