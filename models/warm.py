"""Compile the kernels of scoring once, so that a worker's first datum is as fast as its next."""

import numpy as np

from models.tally import bins
from models.trees import forest

STUMP = """tree
num_tree_per_iteration=1

Tree=0
num_leaves=2
split_feature=0
threshold=0.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=-1 1

end of trees
"""


def warm_up() -> None:
    """Walk one tree, and count floats of both sizes."""
    trees = forest(STUMP)
    if trees is not None:
        trees.score(np.zeros((1, 1), np.float32))
    for kind in (np.float32, np.float64):
        bins(np.zeros((1, 1), kind), [np.zeros(1)])
