// The live page: chooses what to subscribe to, and draws at most once a frame.
// Address: ?window=15m, ?segment=queue:PS, ?kiosk (no controls, no pointer).

import { makeAlerts } from "./alerts.js";
import { byId, element, mark, write } from "./dom.js";
import { clock, place, since } from "./format.js";
import { makeQueues } from "./queues.js";
import { Live } from "./stream.js";
import { KPIS, makeTiles } from "./tiles.js";

const STATE = {
  connecting: () => ["neutral", "…", "Connecting"],
  starting: () => ["neutral", "…", "No figures yet"],
  live: () => ["good", "●", "Live"],
  final: () => ["neutral", "■", "Recording ended"],
  rebuilding: () => ["warn", "▲", "Rebuilding, figures too low"],
  incomplete: (state) => ["warn", "▲", `Incomplete, ${state.missing.length} parts missing`],
  stale: (state) => ["bad", "✕", `Stale since ${since(state.stale_since, state.at)}`],
};

const address = new URLSearchParams(location.search);
const chooser = byId("window");
const tiles = makeTiles(byId("tiles"));
const queues = makeQueues();
const alerts = makeAlerts();
const segment = wantedSegment();
const live = new Live(schedule);
let drawing = false;

document.documentElement.classList.toggle("kiosk", address.has("kiosk"));
write(byId("place"), place(segment));
chooser.addEventListener("change", () => {
  address.set("window", chooser.value);
  history.replaceState(null, "", `?${address}`);
  subscribe();
});
addEventListener("resize", schedule);
subscribe();

function subscribe() {
  const query = new URLSearchParams({ by: "queue", kpi: KPIS.join(",") });
  if (address.has("window")) query.set("window", address.get("window"));
  for (const value of address.getAll("segment")) query.append("segment", value);
  live.open(`/api/v1/stream?${query}`);
}

function schedule() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  const state = live.state;
  const [level, icon, word] = (STATE[state.status] ?? STATE.connecting)(state);
  mark(byId("state"), level, icon, word);
  document.documentElement.dataset.state = state.status;
  write(byId("clock"), clock(state.at, true));
  offer(state.windows ?? []);
  const own = live.row(segment);
  tiles(own);
  queues(live.rows.filter((row) => Object.keys(row.segment).join() === "queue"));
  alerts(live.alerts, state.at, !state.at);
}

function offer(windows) {
  const wanted = address.get("window") ?? (windows.includes("1h") ? "1h" : windows[0]);
  if (chooser.dataset.windows !== windows.join()) {
    chooser.dataset.windows = windows.join();
    chooser.replaceChildren(...windows.map((name) => element("option", "", name)));
  }
  if (wanted && chooser.value !== wanted && document.activeElement !== chooser) chooser.value = wanted;
}

function wantedSegment() {
  const parts = address.getAll("segment").flatMap((text) => text.split(/,(?=[a-z_]+:)/)).filter(Boolean);
  return Object.fromEntries(parts.map((part) => [part.slice(0, part.indexOf(":")), part.slice(part.indexOf(":") + 1) || null]));
}
