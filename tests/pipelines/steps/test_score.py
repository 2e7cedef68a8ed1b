import numpy as np

from pipelines.steps.score import told


def test_every_rise_to_the_threshold_the_peak_and_the_end_are_explained() -> None:
    risk = np.array([0.6, 0.1, 0.5, 0.9, 0.7, 0.1, 0.5, 0.2])
    assert told(risk, risk >= 0.5).tolist() == [0, 2, 3, 6, 7]
    assert told(risk[:1], risk[:1] >= 0.7).tolist() == [0]
    assert told(risk[:0], risk[:0] >= 0.5).tolist() == []
