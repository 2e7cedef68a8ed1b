"""Editing a forewarn.toml in place, and what a search's winner becomes there."""

import tomllib

import pytest

from models.bootstrap import Figure
from models.tune import Tuned
from pipelines.commands.tune import changes_of
from pipelines.config.edit import edited, fragment

FILE = """\
# ours
[train]
seed = 4  # lucky
features = [
  "a",  # [not a head]
  "b",
]

[lookback]
lead = "0s"
[[failure.on]]
stream = "errors"
"""


def test_keys_are_replaced_or_added_and_the_rest_stays() -> None:
    changes = {"train": {"features": ("c__*",), "num_leaves": 9}, "lookback": {"windows": ["42s"]}}
    text = edited(FILE, {**changes, "report": {"title": 'a "b"'}})
    assert text == (
        '# ours\n[train]\nnum_leaves = 9\nseed = 4  # lucky\nfeatures = ["c__*"]\n\n[lookback]\n'
        'windows = ["42s"]\nlead = "0s"\n[[failure.on]]\nstream = "errors"\n\n[report]\n'
        'title = "a \\"b\\""\n'
    )
    assert tomllib.loads(text)["report"]["title"] == 'a "b"'


def test_a_fragment_is_toml() -> None:
    told = fragment({"train": {"extra_trees": False, "lambda_l2": 0.5}, "lookback": {"windows": ["10s"]}})
    assert told == '[train]\nextra_trees = false\nlambda_l2 = 0.5\n\n[lookback]\nwindows = ["10s"]'


@pytest.mark.parametrize("better", [True, False])
def test_only_a_better_winner_changes_the_file(*, better: bool) -> None:
    found = Tuned(
        9, 0.4, 0.5, 0.4, 0.5, Figure(0.1, 0.05, 0.2), 0.99, better, {"family": "logistic"}, ("42s",), {}
    )
    expected = {"train": {"family": "logistic"}, "lookback": {"windows": ["42s"]}} if better else {}
    assert changes_of(found) == expected
