import numpy as np

from pipelines.steps.score import told


def test_every_rise_to_the_threshold_the_peak_and_the_end_are_explained() -> None:
    risk = np.array([0.6, 0.1, 0.5, 0.9, 0.7, 0.1, 0.5, 0.2])
    none = np.array([-1])
    assert told(risk, risk >= 0.5, none).tolist() == [0, 2, 3, 6, 7]
    assert told(risk[:1], risk[:1] >= 0.7, none).tolist() == [0]
    assert told(risk[:0], risk[:0] >= 0.5, none).tolist() == []


def test_the_last_cutoff_before_each_failure_is_explained() -> None:
    risk = np.array([0.1, 0.2, 0.9, 0.2, 0.1])
    assert told(risk, risk >= 0.95, np.array([-1, 1, 3])).tolist() == [1, 2, 3, 4]
