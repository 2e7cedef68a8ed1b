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
    BATTERY: Cause(5.5, (450.0, 900.0), "E_UNDERVOLTAGE", "supply voltage below limit under load"),
    SLIP: Cause(5.5, (420.0, 840.0), "E_TRACTION", "odometry and position disagree"),
    LOCALIZATION: Cause(5.5, (450.0, 900.0), "E_LOCALIZATION_LOST", "position is not trusted"),
    FIRMWARE: Cause(6.0, None, "E_WATCHDOG", "motion controller restarted"),
    RANDOM: Cause(1.0, None, "E_EXTERNAL", "stopped by something outside"),
}

SIGNS: Final = {BATTERY: "battery_voltage", SLIP: "wheel_slip", LOCALIZATION: "localization_score"}
"""The field in which each precursor shows: a reason that names it names the cause."""

CAUSE_OF_NTH_FAULTY: Final = (BATTERY, SLIP, LOCALIZATION, FIRMWARE, SLIP, LOCALIZATION, BATTERY)
FAULTY_SHARE: Final = 7 / 12
WEAR: Final = (BATTERY, SLIP, LOCALIZATION)
OTHER_WEAR_SHARE: Final = 0.4
NEAR_MISSES_PER_DAY: Final = {"faulty": 1.5, "sound": 0.4}

SOUND_FIRMWARE: Final = ("4.1.0", "4.1.2", "4.2.1")
FAILING_FIRMWARE: Final = "4.2.0"
SITES: Final = ("hall-a", "hall-b")


def cause_of(rank: int, robots: int) -> str:
    """The cause of the robot at a place of the fleet's shuffled order; '' for the sound part of it."""
    return CAUSE_OF_NTH_FAULTY[rank % len(CAUSE_OF_NTH_FAULTY)] if rank < round(robots * FAULTY_SHARE) else ""
