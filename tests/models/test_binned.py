"""A kept data set gives the model that binning anew gives, byte for byte, whatever happened to its file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.binned import CACHE_VARIABLE
from models.dataset import gather
from models.encode import Encoding
from models.learner import grow
from models.split import by_time


def test_kept_bins_change_no_byte_of_a_model(
    fleet: Any, make_settings: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = make_settings(rounds=8)
    data = gather(fleet.windows, fleet.failures, fleet.facts, plain)
    encoding = Encoding.learn(data.table)
    matrix, split = encoding.matrix(data.table), by_time(data, plain)
    several = (
        plain,
        make_settings(rounds=8, num_leaves=5, min_data_in_leaf=40, positive_weight=3.0),
        make_settings(rounds=8, monotone={"battery__voltage__mean*": -1}),
    )

    def texts() -> list[str]:
        return [grow(data, matrix, split, encoding, settings).text for settings in several]

    wanted = texts()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    assert texts() == wanted
    kept = list((tmp_path / "cache").iterdir())
    assert len(kept) == 1
    assert texts() == wanted

    content = kept[0].read_bytes()
    kept[0].write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert texts() == wanted
    assert [path.read_bytes() for path in (tmp_path / "cache").iterdir()] == [content]

    monkeypatch.setenv(CACHE_VARIABLE, "/proc/nowhere")
    assert texts() == wanted
