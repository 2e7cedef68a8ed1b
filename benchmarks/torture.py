"""The table `make torture` ends with: what was tried, how often, and how often it went wrong.

`python -m benchmarks.torture REPORT.xml…` reads what pytest wrote with `--junitxml`: tests say by the fixture
`tally` how many cases of which kind they tried. A test that says nothing counts as one case of its folder.
Exits 1 when there was any violation.
"""

import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path


def main() -> None:
    rows = table(map(Path, sys.argv[1:]))
    width = max(len(kind) for kind, _, _, _ in rows)
    print(f"{'kind':{width}}  {'tried':>10}  {'violations':>10}  {'seconds':>8}")
    for kind, tried, violations, seconds in rows:
        print(f"{kind:{width}}  {tried:>10,}  {violations:>10,}  {seconds:>8,.0f}")
    sys.exit(any(violations for _, _, violations, _ in rows))


def table(reports: Iterable[Path]) -> list[tuple[str, int, int, float]]:
    """Kind, cases tried, tests that failed, seconds they took; by kind."""
    found: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0.0])
    for report in reports:
        for case in ET.parse(report).iter("testcase"):
            if case.find("skipped") is not None:
                continue
            failed = case.find("failure") is not None or case.find("error") is not None
            told = dict(tried(case)) or {f"tests in {folder(case)}": 1}
            for kind, number in told.items():
                row = found[kind]
                row[0] += number
                row[1] += failed
                row[2] += float(case.get("time", 0)) / len(told)
    return [(kind, int(row[0]), int(row[1]), row[2]) for kind, row in sorted(found.items())]


def tried(case: ET.Element) -> Iterator[tuple[str, int]]:
    """The kinds and numbers a test told with `tally`."""
    for told in case.iter("property"):
        name = told.get("name", "")
        if name.startswith("tried "):
            yield name.removeprefix("tried "), int(told.get("value", 0))


def folder(case: ET.Element) -> str:
    """Where a test lives, below tests/."""
    return "/".join(case.get("classname", "").split(".")[1:-1])


if __name__ == "__main__":
    main()
