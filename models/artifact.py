"""A model on disk: LightGBM text for the trees, JSON for everything else, nothing that runs when loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.errors import DataError, NotFoundError
from models.calibrate import Calibration
from models.encode import Encoding, joined
from models.learner import Grown, Matrix

FORMAT = 1
TEXT = "model.txt"
CARD = "card.json"


@dataclass(frozen=True)
class Model:
    """A trained model: `text` holds the trees (empty: the constant-rate model), `card` all else.

    The card's keys are described in docs/models.md; its values are plain JSON.
    """

    text: str
    card: Mapping[str, Any]

    @property
    def threshold(self) -> float:
        """A row with `risk >= threshold` is in alert; 1.0 means never."""
        return float(self.card["threshold"])

    @cached_property
    def encoding(self) -> Encoding:
        """Feature order and categories."""
        categories = {name: tuple(values) for name, values in self.card["categories"].items()}
        return Encoding(tuple(entry["name"] for entry in self.card["features"]), categories)

    @cached_property
    def calibration(self) -> Calibration:
        """The map from log-odds to risk."""
        return Calibration.from_dict(self.card["calibration"])

    @property
    def never_missing(self) -> tuple[float | None, ...]:
        """Usual value of each feature that was never missing in training (see `learner.Grown`)."""
        return tuple(self.card["never_missing"])

    def matrix(self, windows: pa.Table, facts: pa.Table | None) -> Matrix:
        """The model's view of the windows: rows × features, float32."""
        return self.encoding.matrix(joined(windows, facts))

    def predict(self, windows: pa.Table, facts: pa.Table | None) -> NDArray[np.float64]:
        """Calibrated risk in (0, 1) that an episode starts in each window's horizon, in row order.

        Raises `DataError` when a feature is missing or of the wrong kind.
        """
        return self.risk(self.matrix(windows, facts))

    def risk(self, matrix: Matrix) -> NDArray[np.float64]:
        """Calibrated risk of the rows of `matrix`."""
        score = np.zeros(len(matrix))
        if self.text and len(matrix):
            columns = tuple(range(matrix.shape[1]))
            score = Grown(
                self.text, self.card["rounds"], self.card["prior_shift"], columns, self.never_missing
            ).score(matrix)
        return self.calibration.risk(score)


def save(model: Model, folder: Path) -> None:
    """Write `model.txt` and `card.json` into `folder`; equal models give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TEXT).write_text(model.text, encoding="utf-8")
    (folder / CARD).write_text(dumps(model.card), encoding="utf-8")


def load(folder: Path) -> Model:
    """Read what `save` wrote.

    Raises `NotFoundError` when a file is absent, `DataError` when the card is damaged or of another format.
    """
    for name in (TEXT, CARD):
        if not (folder / name).is_file():
            raise NotFoundError("no model here", got=str(folder), expected=f"{TEXT} and {CARD}")
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError("the model card is not JSON", got=str(error)) from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise DataError("unknown model card format", got=type(card).__name__, expected=f"format {FORMAT}")
    return Model((folder / TEXT).read_text(encoding="utf-8"), card)


def dumps(card: Mapping[str, Any]) -> str:
    """The card as text: sorted keys, one line per top-level entry, no NaN."""
    lines = (
        f" {json.dumps(key)}: {json.dumps(card[key], sort_keys=True, allow_nan=False)}"
        for key in sorted(card)
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"
