"""A morning at the dashboard: drop a day's archives, watch them run, acknowledge a robot, be told."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import takewhile
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from tests.e2e.browser import chromium, mistakes, picture
from tests.e2e.conftest import FOREWARN, environment, run_in

ALERTS = """
[alerts]
internal = ["127.0.0.0/8"]

[alerts.receivers.desk]
kind = "webhook"
url = "http://127.0.0.1:{port}/alerts"

[alerts.rules.first]
when = {{ top = 1 }}
to = ["desk"]
"""
DROP = """() => {
  const carried = new DataTransfer();
  for (const file of document.getElementById("carried").files) carried.items.add(file);
  const dropped = new DragEvent("drop", { dataTransfer: carried, bubbles: true });
  document.getElementById("drop").dispatchEvent(dropped);
}"""
CARRIED = """() => {
  const carried = document.createElement("input");
  Object.assign(carried, { type: "file", multiple: true, id: "carried" });
  document.body.append(carried);
}"""
PAGES = ("/", "/fleet", "/failures", "/alerts", "/model", "/pipelines", "/data", "/nothing")


@contextmanager
def receiver() -> Iterator[tuple[int, "Queue[Any]"]]:
    """A server of this machine that keeps what is posted to it: its port, and the bodies."""
    kept: Queue[Any] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def dashboard(project: Path) -> Iterator[str]:
    """`forewarn up` in a project; the dashboard's address."""
    process = subprocess.Popen(
        [*FOREWARN, "up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
        cwd=project,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = iter(process.stderr)
    heard = list(takewhile(lambda line: not line.startswith("next:"), said))
    assert process.poll() is None, heard
    drained = threading.Thread(target=lambda: list(said))
    drained.start()
    try:
        yield json.loads((project / ".forewarn" / "daemon.json").read_text())["dashboard"]
    finally:
        process.terminate()
        process.wait(60)
        drained.join()
        process.stderr.close()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("days", [1, pytest.param(2, marks=pytest.mark.long)])
def test_from_dropped_archives_to_an_alert_at_the_desk(tmp_path: Path, fleet: Path, days: int) -> None:
    """A day of two robots of the demo's fleet; at length twelve, the second day dropped later."""
    project = tmp_path / "project"
    if days == 1:
        project.mkdir()
        settings = (fleet / "forewarn.toml").read_text()
        (project / "forewarn.toml").write_text(settings.replace("workers = 2", "workers = 1"))
    else:
        fleet = project
        made = run_in(tmp_path, "demo-data", project, "--robots", "12", "--days", "2")
        assert made.code == 0, made.err
    with receiver() as (port, kept), chromium() as browser:
        with (project / "forewarn.toml").open("a") as config:
            config.write(ALERTS.format(port=port))
        with dashboard(project) as base:
            page = browser.new_page(base_url=base, viewport={"width": 1_280, "height": 900})
            page.set_default_timeout(400_000)
            asked, broken = [], []
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: broken.append(str(error)))
            page.on("console", lambda line: broken.append(line.text) if line.type == "error" else None)
            page.goto("/")
            assert "No report yet" in page.inner_text("h1")
            found = mistakes(page)
            left_open = browser.new_page(base_url=base)
            for day in sorted((fleet / "logs").iterdir())[:days]:
                left_open.goto("/")
                found += pushed_and_reported(page, day)
                left_open.click("#now >> text=Show it", timeout=400_000)
                left_open.wait_for_selector("h2:has-text('Robots by risk')", timeout=400_000)
            if days > 1:
                page.goto("/")
                assert "since the last report" in page.inner_text("#main").lower()
            found += robot_acknowledged(page)
            found += failure_read(page)
            told = kept.get(timeout=400)
            assert told["alert"]["robot"] in json.dumps(told["text"])
            found += alert_read(page, told["alert"]["id"])
            if days > 1:
                closed(page, kept)
            found += job_read(page)
            found += [one for path in PAGES for one in seen(page, path)]
            found += report_read(page, tmp_path)
            found += signed_in(page, base)
            assert found == []
            assert [line for line in broken if not re.search("40[134]", line)] == []
            foreign = [url for url in asked if not url.startswith((base, "data:", "file:"))]
            assert foreign == []


def seen(page: Any, path: str) -> list[str]:
    page.goto(path)
    picture(page, path.strip("/") or "overview")
    return mistakes(page)


def pushed_and_reported(page: Any, day: Path) -> list[str]:
    page.goto("/data")
    page.fill("input[name=folder]", day.name)
    page.evaluate(CARRIED)
    page.set_input_files("#carried", sorted(day.iterdir()))
    page.evaluate(DROP)
    page.wait_for_url("**/pipelines")
    page.wait_for_selector(".dag li.running progress, .dag li.starting progress")
    picture(page, f"pipelines-running-{day.name}")
    found = mistakes(page)
    page.wait_for_selector(".dag li.success:has(h2:text-is('report')) p:has-text('1 ran')")
    return found


def robot_acknowledged(page: Any) -> list[str]:
    page.goto("/")
    page.locator("tbody th a").first.click()
    page.wait_for_selector("#timeline[data-drawn]")
    drawn = page.locator("#timeline canvas").evaluate_all("all => all.map(one => one.ariaLabel)")
    for name in (
        "risk",
        "mission: state",
        "status: battery voltage, V",
        "pose: seconds to its nearest record",
    ):
        assert any(label.startswith(name) for label in drawn), (name, drawn)
    before = page.get_attribute("#export", "href")
    page.locator(".u-over").nth(1).scroll_into_view_if_needed()
    box = page.locator(".u-over").nth(1).bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20)
    page.mouse.up()
    page.wait_for_function(
        "(old) => document.getElementById('export').getAttribute('href') !== old", arg=before
    )
    with page.expect_download() as download:
        page.click("#export")
    assert download.value.path().read_bytes()[:5] == b"\x89MCAP"
    page.fill("input[name=note]", "looked at it")
    page.click("button:text-is('Acknowledge')")
    page.wait_for_selector("text=Acknowledged by")
    page.wait_for_selector("#timeline[data-drawn]")
    picture(page, "robot")
    return mistakes(page)


def failure_read(page: Any) -> list[str]:
    page.goto("/failures")
    page.locator("tbody th a").first.click()
    page.wait_for_selector("#timeline[data-drawn]")
    assert "arned of" in page.inner_text(".lede") or "no risk" in page.inner_text(".lede")
    picture(page, "failure")
    return mistakes(page)


def alert_read(page: Any, alert: str) -> list[str]:
    page.goto(f"/alerts/{alert}")
    assert "desk" in page.inner_text("section[aria-labelledby=sent-title]")
    picture(page, "alert")
    return mistakes(page)


def closed(page: Any, kept: "Queue[Any]") -> None:
    """A verdict closes the outcome, becomes a label, and with it a new report is made."""
    page.fill("input[name=note]", "new wheel")
    page.click("button:text-is('Repaired')")
    page.wait_for_selector("text=Closed as repaired. new wheel")
    page.goto("/alerts")
    assert "1 of 1 closed alert was right: 100 %" in page.inner_text(".lede")
    assert "new wheel" in page.inner_text("section[aria-labelledby=closed-title]")
    while kept.get(timeout=400)["event"] != "resolved":
        pass
    page.goto("/pipelines")
    page.wait_for_selector(".dag li.success:has(h2:text-is('report')) p:has-text('1 ran')")
    page.goto("/model")
    assert "Of 1 alert closed by people 1 was right" in page.inner_text(".lede")


def signed_in(page: Any, base: str) -> list[str]:
    """Once there are tokens nobody is let in without one, and a viewer only looks."""
    made = page.request.post(
        f"{base}/api/tokens", headers={"x-forewarn": "1"}, data={"name": "ana", "role": "viewer"}
    )
    page.goto(f"{base}/")
    assert page.inner_text("h1") == "Sign in"
    picture(page, "signin")
    found = mistakes(page)
    page.fill("input[name=token]", "fw_wrong")
    page.click("button:text-is('Sign in')")
    page.wait_for_selector("#told:text-is('unknown token')")
    page.fill("input[name=token]", made.json()["token"])
    page.click("button:text-is('Sign in')")
    page.wait_for_selector("h2:text-is('Robots by risk')")
    page.goto(f"{base}/alerts")
    page.locator("button:text-is('Acknowledge')").first.click()
    page.wait_for_selector("#told:has-text('this needs the role operator')")
    return found


def job_read(page: Any) -> list[str]:
    page.goto("/pipelines")
    page.click(".dag li:has(h2:text-is('train')) a")
    page.wait_for_selector("h1:has-text('train')")
    picture(page, "job")
    return mistakes(page)


def report_read(page: Any, folder: Path) -> list[str]:
    """The committed report, as the file it is."""
    page.goto("/")
    with page.expect_download() as download:
        page.click("text=Save the report")
    saved = folder / "report.html"
    download.value.save_as(saved)
    # axe-core is a script, which the report's own policy refuses: it is tried without the policy.
    text = saved.read_text("utf-8")
    head, _, rest = text.partition('<meta http-equiv="Content-Security-Policy"')
    saved.write_text(head + rest.partition(">")[2].replace("<details", "<details open"), "utf-8")
    page.goto(saved.as_uri())
    picture(page, "report")
    return mistakes(page)
