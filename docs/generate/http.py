"""The reference of the HTTP API, from the routes it serves."""

from pathlib import Path
from typing import Any, cast

from docs.generate.note import NOTE
from reports.dashboard.app import create_app


def http_page() -> str:
    """Every route with its parameters and the body it takes."""
    nothing = cast("Any", None)  # routes are described without being served
    described = create_app(nothing, tokens=nothing, scratch=Path()).openapi()
    lines = [
        NOTE + "# HTTP API\n",
        "Everything the dashboard shows, served by `forewarn up`; as OpenAPI at `/api/openapi.json`.\n",
        "| | parameters and body | |\n|---|---|---|",
    ]
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            given = [f"`{one['name']}`" for one in route.get("parameters", []) if one["in"] != "path"]
            given += _body(route, described)
            lines.append(f"| `{method.upper()} {path}` | {', '.join(given)} | {route['summary']} |")
    return "\n".join(lines) + "\n"


def _body(route: dict[str, Any], described: dict[str, Any]) -> list[str]:
    """The names of the values a JSON body holds."""
    content = route.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    model = described.get("components", {}).get("schemas", {}).get(name, {})
    return [f"`{key}`{_told(value)}" for key, value in model.get("properties", {}).items()]


def _told(value: dict[str, Any]) -> str:
    return f" ({value['description']})" if "description" in value else ""
