"use strict";
// A robot's window: one plot a stream, all zoomed together, over the same bands and marks.
const place = document.getElementById("timeline");
if (place) draw(place);

async function draw(place) {
  const { robot, start, end, at, longest, threshold } = place.dataset;
  const query = (from, to) => `start=${encodeURIComponent(from)}&end=${encodeURIComponent(to)}`;
  const folder = `/api/robots/${encodeURIComponent(robot)}`;
  const answer = await fetch(`${folder}/timeline?${query(start, end)}`);
  const value = await answer.json();
  place.replaceChildren();
  if (!answer.ok) { told(value.detail); place.dataset.drawn = "0"; return; }
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const moment = Date.parse(at) / 1000;
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19);
  const plots = [];

  const bands = (plot) => {
    const { ctx, bbox } = plot;
    const x = (seconds) => Math.min(Math.max(plot.valToPos(seconds, "x", true), bbox.left), bbox.left + bbox.width);
    const band = (from, to, fill, alpha, least) => {
      const { min, max } = plot.scales.x;
      if (to < min || from > max) return;
      ctx.globalAlpha = alpha; ctx.fillStyle = fill;
      ctx.fillRect(x(from), bbox.top, Math.max(x(to) - x(from), least), bbox.height); ctx.globalAlpha = 1;
    };
    ctx.save();
    band(moment - Number(longest), moment, token("--accent"), 0.16, 1);
    for (const [from, to] of value.gaps) {
      band(from, to, token("--soft"), 0.18, 2);
      ctx.save(); ctx.beginPath(); ctx.rect(x(from), bbox.top, x(to) - x(from), bbox.height); ctx.clip();
      ctx.strokeStyle = token("--soft"); ctx.globalAlpha = 0.5; ctx.beginPath();
      for (let left = x(from) - bbox.height; left < x(to); left += 10) { ctx.moveTo(left, bbox.top + bbox.height); ctx.lineTo(left + bbox.height, bbox.top); }
      ctx.stroke(); ctx.restore();
    }
    for (const moment of value.interventions) band(moment, moment, token("--good"), 1, 2);
    for (const piece of value.quarantined) if (piece.at) band(piece.at, piece.at, token("--warn"), 1, 2);
    for (const failure of value.failures) band(failure.at, failure.at, token("--alert"), 1, 2);
    ctx.restore();
  };
  const limit = (plot) => {
    const { ctx, bbox } = plot;
    const y = plot.valToPos(Number(threshold), "y", true);
    ctx.save(); ctx.strokeStyle = token("--alert"); ctx.setLineDash([5, 5]); ctx.beginPath();
    ctx.moveTo(bbox.left, y); ctx.lineTo(bbox.left + bbox.width, y); ctx.stroke(); ctx.restore();
  };
  const zoomed = (from, to) => {
    const link = document.getElementById("export");
    link.href = `${folder}/window.mcap?${query(new Date(from * 1000).toISOString(), new Date(to * 1000).toISOString())}`;
  };
  const sync = uPlot.sync("timeline");
  const LEFT = 72;
  const axis = { stroke: token("--soft"), grid: { stroke: token("--grid") }, ticks: { stroke: token("--grid") }, font: "11px system-ui" };
  const plainly = (one) => String(Number(one.toPrecision(4)));
  const percent = (one) => `${Number((100 * one).toPrecision(2))} %`;
  const add = (title, x, values, { range, paint, said, hooks = [], height = 96, form = plainly } = {}) => {
    const figure = document.createElement("figure");
    figure.className = "plot";
    const caption = document.createElement("figcaption");
    caption.textContent = title;
    const read = document.createElement("output");
    caption.append(" ", read);
    figure.append(caption); place.append(figure);
    const plot = new uPlot({
      width: place.clientWidth, height, tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      cursor: { sync: { key: sync.key, setSeries: false }, y: false }, legend: { show: false },
      scales: { x: { min: value.start, max: value.end }, y: range ? { range } : {} },
      axes: [
        { ...axis, size: 28, values: (self, ticks) => ticks.map((tick) => clock(tick).slice(0, self.scales.x.max - self.scales.x.min < 300 ? 8 : 5)) },
        { ...axis, size: LEFT, space: 18, show: !paint, values: (_, ticks) => ticks.map(form) },
      ],
      padding: paint ? [4, 20, 0, LEFT] : [6, 20, 0, 0],
      series: [{}, { stroke: token("--accent"), width: 1.5, spanGaps: false, points: { show: false }, paths: paint ? () => null : undefined }],
      hooks: {
        drawClear: [bands], draw: [...hooks, ...(paint ? [paint] : [])],
        setCursor: [(self) => {
          const { idx, left } = self.cursor;
          if (said) { read.textContent = left < 0 ? "" : said(self.posToVal(left, "x")); return; }
          const one = idx === null || idx === undefined ? null : self.data[1][idx];
          read.textContent = one === null || one === undefined ? "" : `${form(one)} at ${clock(self.data[0][idx])}`;
        }],
        setScale: [(self, key) => {
          if (key !== "x" || draw.busy) return;
          draw.busy = true;
          const { min, max } = self.scales.x;
          for (const other of plots) if (other !== self) other.setScale("x", { min, max });
          zoomed(min, max);
          draw.busy = false;
        }],
      },
    }, [x, values], figure);
    figure.querySelector("canvas").setAttribute("role", "img");
    figure.querySelector("canvas").setAttribute("aria-label", `${title}, ${clock(value.start)} to ${clock(value.end)} UTC${paint ? said() : spoken(values, form)}`);
    plots.push(plot);
  };
  const spoken = (values, form) => {
    const known = values.filter((one) => one !== null);
    return known.length ? `: from ${form(Math.min(...known))} to ${form(Math.max(...known))}` : ": nothing known";
  };
  // One lane a state, its name at the left; states beyond the eighth share the last lane.
  const LANES = 8, LANE = 15;
  const lanes = (names, runs) => (plot) => {
    const { ctx, bbox } = plot;
    const high = bbox.height / names.length;
    ctx.save(); ctx.font = `${11 * devicePixelRatio}px system-ui`; ctx.textBaseline = "middle"; ctx.textAlign = "right"; ctx.fillStyle = token("--soft");
    names.forEach((name, place) => ctx.fillText(name.length > 11 ? `${name.slice(0, 10)}…` : name, bbox.left - 6, bbox.top + (place + 0.5) * high));
    ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip(); ctx.fillStyle = token("--accent");
    for (const [from, to, text] of runs) {
      const left = plot.valToPos(from, "x", true), right = plot.valToPos(to, "x", true);
      const place = Math.min(names.indexOf(text) < 0 ? LANES : names.indexOf(text), names.length - 1);
      ctx.fillRect(left, bbox.top + place * high + 2, Math.max(right - left, 2), high - 4);
    }
    ctx.restore();
  };
  const addStates = (name, runs) => {
    const all = [...new Set(runs.map((run) => run[2]))];
    if (all.length < 2) return;
    const names = all.length > LANES ? [...all.slice(0, LANES - 1), "others"] : all;
    const said = (at) => {
      if (at === undefined) return `: ${all.slice(0, LANES).join(", ")}`;
      const run = runs.find(([from, to]) => from <= at && at < to);
      return run ? `${run[2]} at ${clock(at)}` : "";
    };
    add(plain(name), [value.start, value.end], [0, 0], { paint: lanes(names, runs), said, height: 36 + LANE * names.length, range: [0, 1] });
  };
  const plain = (name) => name.replace("__", ": ").replaceAll("_", " ");
  const some = (values) => values.some((one) => one !== null);
  if (value.risk.x.length) add("risk", value.risk.x, value.risk.risk, { range: [0, 1], hooks: threshold ? [limit] : [], height: 130, form: percent });
  for (const [name, runs] of Object.entries(value.states)) addStates(name, runs);
  const measured = (name) => value.units[name] ? `${plain(name)}, ${value.units[name]}` : plain(name);
  for (const [name, values] of Object.entries(value.streams)) if (some(values)) add(measured(name), value.x, values);
  for (const [name, values] of Object.entries(value.distances)) if (some(values)) add(`${plain(name)}: seconds to its nearest record`, value.x, values);
  if (!plots.length) {
    const nothing = document.createElement("p");
    nothing.className = "soft"; nothing.textContent = "Nothing was recorded in this window.";
    place.append(nothing);
  }
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      const { min, max } = plots[0].scales.x;
      const middle = min < moment && moment < max ? moment : (min + max) / 2;
      const half = Math.max(((max - min) * Number(button.dataset.zoom)) / 2, 1);
      plots[0].setScale("x", { min: Math.max(middle - half, value.start), max: Math.min(middle + half, value.end) });
    });
    button.disabled = !plots.length;
  }
  addEventListener("resize", () => plots.forEach((plot) => plot.setSize({ width: place.clientWidth, height: plot.height })));
  happened(document.getElementById("happened"), value, clock);
  place.dataset.drawn = String(plots.length);
}

function happened(place, value, clock) {
  const rows = [
    ...value.failures.map((one) => [one.at, "failure", one.code || "no code"]),
    ...value.interventions.map((at) => [at, "intervention", "somebody stepped in"]),
    ...value.events.map((one) => [one.at, one.stream, one.text]),
    ...value.quarantined.map((one) => [one.at, "in quarantine", `${one.source} › ${one.member || ""} ${one.reason}: ${one.detail || ""}`]),
  ].sort((one, other) => (one[0] ?? Infinity) - (other[0] ?? Infinity));
  if (!rows.length) return;
  const heading = document.createElement("h3");
  heading.textContent = "Failures, interventions, events and quarantine of this window";
  const list = document.createElement("ul");
  for (const [at, kind, text] of rows) {
    const item = document.createElement("li");
    item.textContent = `${at === null ? "time unknown" : clock(at)} ${kind}: ${text}`;
    list.append(item);
  }
  place.append(heading, list);
}
