"""Real processes over their memory limit: the datum fails and says so, the next one runs."""

import re
from collections.abc import Callable

import pytest

from pipelines.pachd.memory import in_words
from pipelines.pachd.spec import Transform
from pipelines.pachd.worker import DatumTask, run_datum, run_datum_set, steps

Make = Callable[..., DatumTask]

LIMIT = 128 << 20
OVER = re.compile(r"memory over limit: got [\d.]+ MiB, limit 128 MiB")
HOLD = "held = b'x' * (256 << 20); import time; time.sleep(600)"


def test_a_step_over_its_limit_fails_in_every_try_and_the_datums_beside_it_run(step_task: Make) -> None:
    bad, good = run_datum_set(
        [step_task("say before", "hold 256", memory=LIMIT, tries=2), step_task("write a one", memory=LIMIT)]
    )
    assert (bad.state, bad.tries, good.state) == ("failed", 2, "success")
    assert OVER.fullmatch(bad.error)
    assert "before" in {line.message for line in bad.log}


def test_what_datums_before_left_in_a_process_is_not_held_against_the_next(step_task: Make) -> None:
    def pid(memory: int) -> str:
        return run_datum(step_task("pid", memory=memory)).files["/pid"].hash

    first = pid(0)
    assert pid(LIMIT) == first
    process = steps.take(LIMIT)
    steps.give_back(process)
    other = steps.take(memory=2)
    assert other is not process
    other.close()


@pytest.mark.usefixtures("any_mount")
def test_a_command_counts_with_what_it_started(command_task: Make) -> None:
    script = f'python3 -S -c "{HOLD}" & wait'
    failed = run_datum(command_task(script, memory=LIMIT))
    assert OVER.fullmatch(failed.error)
    recovers = Transform(cmd=("sh", "-c", script), err_cmd=("true",))
    recovered = run_datum(command_task("", transform=recovers, memory=LIMIT))
    assert (recovered.state, bool(OVER.fullmatch(recovered.error))) == ("recovered", True)


def test_sizes_are_told_in_the_largest_unit_they_fill() -> None:
    assert [in_words(size) for size in (12, 2048, 3 << 29)] == ["12 bytes", "2 KiB", "1.5 GiB"]
