"""Data is never run: no code of ours unpickles, evaluates, or hands text to a shell."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = {"pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "jsonpickle"}
CALLS = {
    "eval", "exec", "compile", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load",
    "tempfile.mktemp", "pd.read_pickle", "pandas.read_pickle", "subprocess.getoutput",
}  # fmt: skip
OWN = {"pipelines/logs/spool.py": "pickle"}
"""Written and read by one process, in a scratch folder of its own; nothing of it comes from outside."""
VALUES = {"shell": True, "allow_pickle": True, "verify": False, "autoescape": False}


def findings(source: str, name: str) -> Iterator[str]:
    """What a module does that it must not."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found = [alias.name for alias in names if alias.name.partition(".")[0] in MODULES]
            case ast.ImportFrom(module=str(module)):
                found = [module] if module.partition(".")[0] in MODULES else []
            case ast.Call(func=function, keywords=keywords):
                called, safe = ast.unparse(function), "SafeLoader" in ast.unparse(node)
                found = [called] if called in CALLS and not (called == "yaml.load" and safe) else []
                found += [
                    f"{keyword.arg}={keyword.value.value}"
                    for keyword in keywords
                    if isinstance(keyword.value, ast.Constant)
                    and keyword.arg in VALUES
                    and keyword.value.value is VALUES[keyword.arg]
                ]
            case _:
                found = []
        yield from (f"{name}:{getattr(node, 'lineno', 0)} {what}" for what in found)


@pytest.mark.parametrize("package", ["features", "models", "pipelines", "reports"])
def test_no_code_runs_data(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    found = [f for file in files for f in findings(file.read_text("utf-8"), str(file.relative_to(ROOT)))]
    assert [f for f in found if OWN.get(f.partition(":")[0]) != f.rpartition(" ")[2]] == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "eval(x)",
        "yaml.load(f)",
        "run(c, shell=True)",
        "os.system(c)",
    ],
)
def test_the_search_finds_what_it_looks_for(line: str) -> None:
    assert list(findings(line, "m"))
