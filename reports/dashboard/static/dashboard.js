"use strict";
// Small and without dependencies but uPlot: posts, uploads, live parts, the robot's timeline.
const told = (text) => { document.getElementById("told").textContent = text; };
const HEADERS = { "x-forewarn": "1" };

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { ...HEADERS, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(typeof value.detail === "string" ? value.detail : `refused (${answer.status})`);
  return value;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.matches(".say")) {
    event.preventDefault();
    const values = new FormData(form);
    try {
      await post("/api/feedback", {
        robot_id: form.dataset.robot, at: form.dataset.moment, action: event.submitter.value,
        to: values.get("to"), note: values.get("note"),
      });
      location.reload();
    } catch (error) { told(error.message); }
  }
  if (form.id === "signin") {
    event.preventDefault();
    const answer = await fetch("/signin", { method: "POST", headers: HEADERS, body: new FormData(form).get("token") });
    if (answer.ok) location.reload(); else told("unknown token");
  }
  if (form.id === "drop") event.preventDefault();
});

document.addEventListener("click", async (event) => {
  const path = event.target.dataset && event.target.dataset.post;
  if (!path) return;
  event.target.disabled = true;
  try { await post(path); location.href = "/pipelines"; } catch (error) { told(error.message); event.target.disabled = false; }
});

for (const part of document.querySelectorAll("[data-live]")) {
  setInterval(async () => {
    if (document.hidden || part.contains(document.activeElement)) return;
    const answer = await fetch(part.dataset.live);
    if (answer.ok) part.innerHTML = await answer.text();
  }, 1000);
}

const drop = document.getElementById("drop");
if (drop) {
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); push(event.dataTransfer.files); });
  drop.querySelector("input[type=file]").addEventListener("change", (event) => push(event.target.files));
}

async function push(files) {
  const progress = drop.querySelector("progress");
  const folder = new FormData(drop).get("folder").replace(/^\/+|\/+$/g, "");
  const total = [...files].reduce((sum, file) => sum + file.size, 0) || 1;
  let sent = 0;
  progress.hidden = false;
  try {
    const { upload } = await post("/api/uploads");
    for (const file of files) {
      const path = (folder ? folder + "/" : "") + (file.webkitRelativePath || file.name);
      await send(`/api/uploads/${upload}?path=${encodeURIComponent(path)}`, file, (bytes) => { progress.value = (sent + bytes) / total; });
      sent += file.size;
    }
    const { commit } = await post(`/api/uploads/${upload}/commit`);
    told(`pushed as ${commit.slice(0, 12)}`);
    location.href = "/pipelines";
  } catch (error) { told(error.message); progress.hidden = true; }
}

function send(path, file, advanced) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    request.setRequestHeader("x-forewarn", "1");
    request.upload.onprogress = (event) => advanced(event.loaded);
    request.onerror = () => failed(new Error("the upload broke off"));
    request.onload = () => request.status < 300 ? done() : failed(new Error(JSON.parse(request.responseText).detail));
    request.send(file);
  });
}

const place = document.getElementById("timeline");
if (place) draw(place);

async function draw(place) {
  const { robot, start, end, at, longest } = place.dataset;
  const answer = await fetch(`/api/robots/${encodeURIComponent(robot)}/timeline?start=${encodeURIComponent(start)}&end=${encodeURIComponent(end)}`);
  const value = await answer.json();
  if (!answer.ok) { told(value.detail); return; }
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const moment = Date.parse(at) / 1000;
  const plots = [];
  const bands = (plot) => {
    const { ctx, bbox } = plot;
    const x = (seconds) => Math.min(Math.max(plot.valToPos(seconds, "x", true), bbox.left), bbox.left + bbox.width);
    const band = (from, to, fill, alpha) => {
      ctx.globalAlpha = alpha; ctx.fillStyle = fill;
      ctx.fillRect(x(from), bbox.top, Math.max(x(to) - x(from), 1), bbox.height); ctx.globalAlpha = 1;
    };
    ctx.save();
    band(moment - Number(longest), moment, token("--accent"), 0.16);
    for (const [from, to] of value.gaps) {
      band(from, to, token("--soft"), 0.18);
      ctx.save(); ctx.beginPath(); ctx.rect(x(from), bbox.top, x(to) - x(from), bbox.height); ctx.clip();
      ctx.strokeStyle = token("--soft"); ctx.globalAlpha = 0.5; ctx.beginPath();
      for (let left = x(from) - bbox.height; left < x(to); left += 10) { ctx.moveTo(left, bbox.top + bbox.height); ctx.lineTo(left + bbox.height, bbox.top); }
      ctx.stroke(); ctx.restore();
    }
    for (const failure of value.failures) band(failure.at, failure.at, token("--alert"), 1);
    for (const piece of value.quarantined) if (piece.at) band(piece.at, piece.at, token("--warn"), 1);
    ctx.restore();
  };
  const sync = uPlot.sync("timeline");
  const add = (title, x, values, range) => {
    const heading = document.createElement("h3"); heading.textContent = title; place.append(heading);
    const axis = { stroke: token("--soft"), grid: { stroke: token("--grid") }, ticks: { stroke: token("--grid") } };
    const plot = new uPlot({
      width: place.clientWidth, height: 150, tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      cursor: { sync: { key: sync.key, setSeries: false } },
      scales: { x: { min: value.start, max: value.end }, y: range ? { range } : {} },
      axes: [{ ...axis }, { ...axis, size: 60 }],
      series: [{ value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" }, { label: title, stroke: token("--accent"), width: 1.5, spanGaps: false, points: { show: false } }],
      hooks: { drawClear: [bands], setScale: [(self, key) => {
        if (key !== "x" || draw.busy) return;
        draw.busy = true;
        for (const other of plots) if (other !== self) other.setScale("x", { min: self.scales.x.min, max: self.scales.x.max });
        draw.busy = false;
      }] },
    }, [x, values], place);
    plot.setScale("x", { min: value.start, max: value.end });
    plots.push(plot);
  };
  if (value.risk.x.length) add("risk", value.risk.x, value.risk.risk, [0, 1]);
  for (const [name, values] of Object.entries(value.streams)) if (values.some((one) => one !== null)) add(name.replace("__", ": ").replaceAll("_", " "), value.x, values);
  for (const [name, values] of Object.entries(value.distances)) if (values.some((one) => one !== null)) add(`${name}: seconds to its nearest record`, value.x, values);
  addEventListener("resize", () => plots.forEach((plot) => plot.setSize({ width: place.clientWidth, height: 150 })));
  const list = document.getElementById("pieces");
  for (const piece of value.quarantined) {
    const item = document.createElement("li");
    item.textContent = `in quarantine: ${piece.source} › ${piece.member || ""} ${piece.reason}: ${piece.detail || ""}`;
    list.append(item);
  }
  place.dataset.drawn = String(plots.length);
}
