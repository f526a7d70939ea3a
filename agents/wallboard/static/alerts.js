// Active alerts: what fires first, then what is about to; the worst and the oldest on top.

import { byId, element, fitting, mark, write } from "./dom.js";
import { place, since, words } from "./format.js";

const SEVERITY = {
  page: { order: 0, level: "bad", icon: "✕", word: "Page" },
  ticket: { order: 1, level: "warn", icon: "▲", word: "Ticket" },
  info: { order: 2, level: "info", icon: "i", word: "Info" },
};

export function makeAlerts() {
  const list = byId("alerts");
  const more = byId("alerts-more");
  const items = new Map();
  return (alerts, now, unknown) => {
    const active = alerts.filter((alert) => alert.state === "firing" || alert.state === "pending").sort(order);
    for (const alert of active) {
      if (!items.has(alert.id)) items.set(alert.id, makeItem());
      fill(items.get(alert.id), alert, now);
    }
    const ids = new Set(active.map((alert) => alert.id));
    for (const id of items.keys()) if (!ids.has(id)) items.delete(id);
    const wanted = active.map((alert) => items.get(alert.id));
    if (wanted.length && !list.children.length) list.append(wanted[0]);
    const room = Math.min(active.length, fitting(byId("alerts-fit"), list.firstElementChild));
    const shown = wanted.slice(0, room);
    if (shown.some((item, at) => list.children[at] !== item) || list.children.length !== shown.length) list.replaceChildren(...shown);
    const left = active.length - room;
    write(more, left > 0 ? `and ${left} more` : active.length ? "" : unknown ? "Not known" : "✓ No alerts");
  };
}

function order(a, b) {
  return (
    (a.state === "pending") - (b.state === "pending") ||
    (SEVERITY[a.severity]?.order ?? 3) - (SEVERITY[b.severity]?.order ?? 3) ||
    a.since.localeCompare(b.since)
  );
}

function makeItem() {
  const item = element("li");
  item.append(element("p", "badge"), element("p", "since"), element("p", "name"), element("p", "detail"));
  return item;
}

function fill(item, alert, now) {
  const [badge, from, name, detail] = item.children;
  const severity = SEVERITY[alert.severity] ?? SEVERITY.info;
  const pending = alert.state === "pending";
  mark(badge, pending ? "neutral" : severity.level, pending ? "…" : severity.icon, pending ? "Pending" : severity.word);
  write(from, `since ${since(alert.since, now)}`);
  write(name, `${words(alert.name)} · ${place(alert.segment)}`);
  // The second line of the summary says how bad it is; the first repeats name and place.
  write(detail, (alert.summary ?? "").split("\n").at(-1) + (alert.acknowledged_by ? ` · seen by ${alert.acknowledged_by}` : ""));
}
