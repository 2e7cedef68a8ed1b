"""A peak is of what came since it was forgotten, and a step's process tells each datum's own."""

import sys
from pathlib import Path

import pytest

from pipelines.pachd import peak
from pipelines.pachd.capture import Capture
from pipelines.pachd.warm import StepProcess

SIZE = 64 * 2**20
STEP = f"""
import os
def main(pfs):
    bytearray(os.urandom(1) * ({SIZE} if pfs.name == "large" else 1))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a peak")
def test_a_small_datum_after_a_large_one_has_a_small_peak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hungry.py").write_text(STEP)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    process = StepProcess()
    held = []
    for name in ("large", "small"):
        (tmp_path / name).mkdir()
        ended = process.run("hungry", tmp_path / name, {}, Capture())
        assert ended.error == ""
        held.append(ended.peak_bytes)
    process.close()
    assert held[0] - held[1] > SIZE / 2


def test_a_peak_is_at_least_what_is_held() -> None:
    peak.forget()
    held = bytearray(b"1" * SIZE)
    assert peak.peak_bytes() > len(held)
