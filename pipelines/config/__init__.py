"""`forewarn.toml`: everything forewarn must be told about a fleet, checked before anything runs.

A mistake in the file is an error that names the key and the fix; nothing is guessed and unknown keys are
refused. `Config.step_files` cuts the file into the part each pipeline step depends on, so that changing
`[report]` does not re-run the extraction.
"""

from pipelines.config.file import CONFIG_NAME, Config, load_config, parse_config
from pipelines.config.logs import (
    ClockSection,
    FieldSection,
    LimitsSection,
    LogsSection,
    RobotSection,
    StreamSection,
)

__all__ = [
    "CONFIG_NAME",
    "ClockSection",
    "Config",
    "FieldSection",
    "LimitsSection",
    "LogsSection",
    "RobotSection",
    "StreamSection",
    "load_config",
    "parse_config",
]
