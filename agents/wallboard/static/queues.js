// The queue table, worst first; on a wall only what fits, with the number of those left out.

import { byId, element, fitting, write } from "./dom.js";
import { count, duration, percent } from "./format.js";
import * as judge from "./judge.js";
import { keyOf } from "./stream.js";

const COLUMNS = [
  { title: "Queue", text: (r) => Object.values(r.segment).map((value) => value ?? "(none)").join(", ") },
  {
    title: "Service level",
    text: (r) => percent(r.kpis.service_level?.value),
    verdict: (r) => judge.serviceLevel(r.kpis.service_level, r.goals?.service_level),
  },
  { title: "n", text: (r) => count(r.kpis.service_level?.n), minor: true },
  {
    title: "First resp.",
    text: (r) => duration(r.kpis.first_response_time?.mean),
    verdict: (r) => judge.responseTime(r.kpis.first_response_time, r.goals?.first_response_time),
  },
  {
    title: "Waiting",
    text: (r) => count(r.kpis.waiting?.value),
    verdict: (r) => judge.waiting(r.kpis.waiting, r.kpis.longest_wait, r.goals?.first_response_time),
  },
  { title: "Longest", text: (r) => duration(r.kpis.longest_wait?.value) },
  { title: "Backlog", text: (r) => count(r.kpis.backlog?.value), minor: true },
  { title: "Soon", text: (r) => count(r.kpis.breaching_soon?.value), verdict: (r) => judge.breachingSoon(r.kpis.breaching_soon) },
];

export function makeQueues() {
  const head = byId("queues-head");
  const body = byId("queues");
  const lines = new Map();
  for (const column of COLUMNS) {
    const cell = element("th", column.minor ? "minor" : "", column.title);
    cell.scope = "col";
    head.append(cell);
  }
  return (rows) => {
    const sorted = [...rows].sort(judge.worstFirst);
    if (sorted.length && !body.rows.length) body.append(makeLine());
    const room = Math.min(sorted.length, fitting(byId("queues-fit"), body.rows[0], head.offsetHeight));
    const shown = sorted.slice(0, room).map((row) => {
      const key = keyOf(row.segment);
      if (!lines.has(key)) lines.set(key, makeLine());
      fill(lines.get(key), row);
      return lines.get(key);
    });
    if (shown.some((line, at) => body.rows[at] !== line) || body.rows.length !== shown.length) body.replaceChildren(...shown);
    const known = new Set(rows.map((row) => keyOf(row.segment)));
    for (const key of lines.keys()) if (!known.has(key)) lines.delete(key);
    const left = sorted.length - room;
    write(byId("queues-more"), sorted.length === 0 ? "No queues yet" : left > 0 ? `and ${left} more` : "");
  };
}

function makeLine() {
  const line = element("tr");
  COLUMNS.forEach((column, at) => {
    const cell = element(at ? "td" : "th", column.minor ? "minor" : "");
    if (!at) cell.scope = "row";
    cell.append(element("span", "icon", "\u00a0"), element("span", "text", "\u00a0"));
    line.append(cell);
  });
  return line;
}

function fill(line, row) {
  COLUMNS.forEach((column, at) => {
    const cell = line.cells[at];
    const verdict = column.verdict?.(row);
    const alarming = verdict && (verdict.level === judge.BAD || verdict.level === judge.WARN);
    cell.dataset.level = alarming ? verdict.level : "";
    cell.title = verdict ? verdict.word : "";
    write(cell.firstChild, alarming ? judge.ICON[verdict.level] : "");
    write(cell.lastChild, column.text(row));
  });
}
