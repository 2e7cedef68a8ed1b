"""Why the robots of the synthetic fleet fail: how often, after what warning signs, with what error."""

from dataclasses import dataclass
from typing import Final

RANDOM: Final = "random"
FIRMWARE: Final = "firmware"
BATTERY: Final = "battery_sag"
SLIP: Final = "wheel_slip"
LOCALIZATION: Final = "localization"


@dataclass(frozen=True)
class Cause:
    """A cause: failures a day on a robot that has it, length of the precursor in seconds, its error."""

    per_day: float
    ramp_s: tuple[float, float] | None
    code: str
    message: str


CAUSES: Final = {
    BATTERY: Cause(6.0, (330.0, 720.0), "E_UNDERVOLTAGE", "supply voltage below limit under load"),
    SLIP: Cause(6.0, (300.0, 660.0), "E_TRACTION", "odometry and position disagree"),
    LOCALIZATION: Cause(6.0, (330.0, 720.0), "E_LOCALIZATION_LOST", "position is not trusted"),
    FIRMWARE: Cause(5.0, None, "E_WATCHDOG", "motion controller restarted"),
    RANDOM: Cause(1.1, None, "E_EXTERNAL", "stopped by something outside"),
}

CAUSE_OF_NTH_FAULTY: Final = (BATTERY, SLIP, LOCALIZATION, FIRMWARE, SLIP, LOCALIZATION, BATTERY, FIRMWARE)
FAULTY_SHARE: Final = 0.5
NEAR_MISSES_PER_DAY: Final = {"faulty": 3.0, "sound": 0.5}

SOUND_FIRMWARE: Final = ("4.1.0", "4.1.2", "4.2.1")
FAILING_FIRMWARE: Final = "4.2.0"
SITES: Final = ("hall-a", "hall-b")


def cause_of(rank: int, robots: int) -> str:
    """The cause of the robot at a place of the fleet's shuffled order; '' for the sound half of it."""
    return CAUSE_OF_NTH_FAULTY[rank % len(CAUSE_OF_NTH_FAULTY)] if rank < robots * FAULTY_SHARE else ""
