"""The reference of the metrics, from the calls that define them."""

import ast
import inspect
from typing import Final

from docs.generate.note import NOTE
from pipelines import metrics

KINDS: Final = {
    "Counter": "counter",
    "CounterMetricFamily": "counter",
    "GaugeMetricFamily": "gauge",
    "Histogram": "histogram",
}


def metrics_page() -> str:
    """Every metric of `/metrics` with its labels."""
    lines = [
        NOTE + "# Metrics\n",
        "Prometheus's text format at `/metrics` of `forewarn up --metrics HOST:PORT`.\n",
        "| metric | kind | labels | |\n|---|---|---|---|",
    ]
    for node in ast.walk(ast.parse(inspect.getsource(metrics))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            name, told = (ast.literal_eval(one) for one in node.args[:2])
            labels = [one for one in [*node.args[2:], *(key.value for key in node.keywords)] if _texts(one)]
            shown = ", ".join(f"`{label}`" for one in labels for label in ast.literal_eval(one))
            kind = KINDS[node.func.id]
            lines.append(f"| `{name}{'_total' if kind == 'counter' else ''}` | {kind} | {shown} | {told} |")
    return "\n".join(lines) + "\n"


def _texts(node: ast.expr) -> bool:
    return isinstance(node, ast.List) and all(isinstance(one, ast.Constant) for one in node.elts)
