"""Writes the logs of a small made-up VDA 5050 fleet: one file a robot-day, states between other lines.

Robots 1 and 2 speak version 2.1, robots 3 and 4 version 3.0. Now and then a drive wears: for twenty minutes
the robot crawls and its voltage sags, then it reports a FATAL error until someone comes. Now and then someone
just presses the emergency stop, which nothing announces.

    python fleet.py logs --days 6
"""

import argparse
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
SHIFT = timedelta(hours=10)
EVERY = timedelta(seconds=15)
SIGNS = timedelta(minutes=20)
REPAIR = timedelta(minutes=6)


def main() -> None:
    """Write the logs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=6)
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args()
    for day in range(asked.days):
        for robot in range(1, 5):
            chance = random.Random(f"{asked.seed} {day} {robot}")
            begin = START + timedelta(days=day)
            file = asked.folder / f"{begin:%Y-%m-%d}" / f"agv-{robot}.log"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(f"{line}\n" for line in lines(robot, begin, chance)), "utf-8")


def lines(robot: int, begin: datetime, chance: random.Random) -> Iterator[str]:
    """The log of one shift: about three breakdowns and one emergency stop."""
    breakdowns = sorted(begin + SHIFT * share for share in spread(chance, 3))
    stop = begin + SHIFT * chance.random()
    version = "2.1.0" if robot < 3 else "3.0.0"
    yield "INFO: AGV system starting up..."
    now, number, battery = begin, 0, 95.0
    while now < begin + SHIFT:
        wears = any(at - SIGNS <= now < at for at in breakdowns)
        broken = any(at <= now < at + REPAIR for at in breakdowns)
        stopped = stop <= now < stop + timedelta(minutes=1)
        battery = battery - 0.02 if battery > 20 else 95.0
        speed = 0.0 if broken or stopped else max(0.0, chance.gauss(0.6 if wears else 1.0, 0.25))
        told = state(version, f"agv-{robot}", number, now)
        told["velocity"] = {"vx": round(speed, 3), "vy": 0.0, "omega": round(chance.gauss(0, 0.1), 3)}
        told["driving"] = speed > 0
        if broken:
            told["errors"] = [{"errorType": "driveFault", "errorLevel": "FATAL"}]
        elif chance.random() < 0.01:
            told["errors"] = [{"errorType": "pathBlocked", "errorLevel": "WARNING"}]
        voltage = round(22 + 5 * battery / 100 - (0.8 if wears else 0.0) + chance.gauss(0, 0.25), 2)
        power, safety = {"charging": False, "batteryVoltage": voltage}, {"fieldViolation": False}
        level = "MANUAL" if stopped else "NONE"
        if version < "3":
            told["batteryState"] = power | {"batteryCharge": round(battery, 1)}
            told["safetyState"] = safety | {"eStop": level}
        else:
            told["powerSupply"] = power | {"stateOfCharge": round(battery, 1)}
            told["safetyState"] = safety | {"activeEmergencyStop": level}
        yield f"uagv/v{version[0]}/acme/agv-{robot}/state {json.dumps(told, separators=(',', ':'))}"
        if chance.random() < 0.02:
            yield "WARN: Path obstructed. Recalculating."
        now, number = now + EVERY + timedelta(milliseconds=chance.randrange(200)), number + 1


def spread(chance: random.Random, count: int) -> list[float]:
    """Shares of a shift, far enough from each other and from its ends."""
    return [(place + chance.uniform(0.3, 0.7)) / count for place in range(count)]


def state(version: str, robot: str, number: int, now: datetime) -> dict[str, object]:
    """What every state message holds."""
    return {
        "headerId": number,
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
        "version": version,
        "manufacturer": "acme",
        "serialNumber": robot,
        "orderId": "",
        "orderUpdateId": 0,
        "lastNodeId": "",
        "lastNodeSequenceId": 0,
        "nodeStates": [],
        "edgeStates": [],
        "actionStates": [],
        "operatingMode": "AUTOMATIC",
        "errors": [],
    }


if __name__ == "__main__":
    main()
