"use strict";
// What htmx leaves over: feedback, signing in, uploads; timeline.js draws a robot's window.
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
      const said = { action: event.submitter.value, to: values.get("to"), note: values.get("note") };
      if (form.dataset.alert) await post(`/api/alerts/${form.dataset.alert}/feedback`, said);
      else await post("/api/feedback", { robot_id: form.dataset.robot, at: form.dataset.moment, ...said });
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

// htmx asks again for the parts that live; not in a hidden tab, nor while somebody is inside of them.
document.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.target;
  const again = (part.getAttribute("hx-trigger") || "").includes("every");
  if (again && (document.hidden || part.contains(document.activeElement))) event.preventDefault();
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, successful, xhr } = event.detail;
  if (successful && elt.dataset.then) location.href = elt.dataset.then;
  else if (xhr.status === 401) location.reload();
  else told(successful ? "" : xhr.status ? reason(xhr) : "forewarn does not answer; it is asked again");
});

function reason(request) {
  try { return JSON.parse(request.responseText).detail; } catch { return `refused (${request.status})`; }
}

// Archives may be dropped anywhere on the page that has a place for them.
const drop = document.getElementById("drop");
if (drop) {
  document.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); push(event.dataTransfer.files); });
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
    request.onload = () => request.status < 300 ? done() : failed(new Error(reason(request)));
    request.send(file);
  });
}
