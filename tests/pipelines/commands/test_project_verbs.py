"""`forewarn --help`, `config` and `doctor`, as a person types them."""

import json
import os
import subprocess
import sys

import pytest

from features.errors import ForewarnError, UsageError
from pipelines.cli.app import run
from pipelines.commands.push import gather

CONFIG = """
[streams.pose]
time = "ts"
fields = { x = "float" }

[join]
anchor = "pose"

[failure]
episode_gap = "10m"
[[failure.on]]
stream = "pose"
when = { x = { above = 5 } }
"""


@pytest.fixture
def forewarn(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "pipelines", *arguments], cwd=tmp_path, capture_output=True, text=True
        )

    return run


def test_help_lists_every_verb_once_under_its_section(forewarn):
    told = forewarn("--help").stdout
    sections = ["Logs:", "Risk:", "Engine:", "Project and machine:", "Try it:"]
    assert [line for line in told.splitlines() if line in sections] == sections
    for verb in ("push", "report", "jobs", "up", "doctor", "demo"):
        assert sum(line.startswith(f"  {verb} ") for line in told.splitlines()) == 1


def test_a_mistyped_verb_is_answered_with_the_one_meant(forewarn):
    wrong = forewarn("reprot")
    assert wrong.returncode == 2
    assert "Did you mean 'report'?" in wrong.stderr


def test_config_show_says_who_chose_each_value(forewarn, tmp_path):
    (tmp_path / "forewarn.toml").write_text(CONFIG, "utf-8")
    told = json.loads(forewarn("config", "show", "--json").stdout)
    chosen = {one["key"]: (one["value"], one["origin"]) for one in told}
    assert chosen["failure.episode_gap"] == ("10m", "file")
    assert chosen["failure.on[0].when"] == ({"x": {"above": 5}}, "file")
    assert chosen["streams.pose.fields.x.type"] == ("float", "file")
    assert chosen["streams.pose.tolerance"] == ("2500ms", "default")
    assert chosen["lookback.windows"] == (["10s", "42s", "2m"], "default")


def test_config_check_names_the_mistake_and_the_fix(forewarn, tmp_path):
    (tmp_path / "forewarn.toml").write_text(CONFIG.replace("episode_gap", "episode_gab"), "utf-8")
    refused = forewarn("config", "check")
    assert refused.returncode == 3
    assert "failure.episode_gab: unknown key; did you mean 'episode_gap'?" in refused.stderr


def test_doctor_finds_this_machine_fit_and_names_a_broken_config(forewarn, tmp_path):
    fit = forewarn("doctor", "--json")
    assert fit.returncode == 0
    assert {one["what"]: one["state"] for one in json.loads(fit.stdout)}["python"] == "ok"
    (tmp_path / "forewarn.toml").write_text("[join]\n", "utf-8")
    broken = forewarn("doctor")
    assert broken.returncode == 1
    assert "forewarn config check" in broken.stderr


def test_files_that_may_not_be_read_or_written_are_told_in_words(monkeypatch, tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("at,x\n" + "".join(f"2026-03-01T00:00:{at:02}Z,{at}\n" for at in range(30)))
    with pytest.raises(ForewarnError, match=r"Not a directory: .*below"):
        run("inspect", "inspect", paths=[table], write=table / "below", json=True)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"no permission to read a file; got: .*a\.csv"):
        gather([tmp_path], "/")
