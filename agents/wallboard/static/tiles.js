// The key figures of the chosen segment.

import { element, mark, write } from "./dom.js";
import { count, duration, percent } from "./format.js";
import * as judge from "./judge.js";

const TILES = [
  {
    title: "Service level",
    value: (k) => percent(k.service_level?.value),
    lines: (k, g) => [`goal ${percent(g.service_level, 0)}`, `n ${count(k.service_level?.n)}`],
    verdict: (k, g) => judge.serviceLevel(k.service_level, g.service_level),
  },
  {
    title: "First response",
    value: (k) => duration(k.first_response_time?.mean),
    lines: (k, g) => [`p90 ${duration(k.first_response_time?.p90)}`, `target ${duration(g.first_response_time)}`],
    verdict: (k, g) => judge.responseTime(k.first_response_time, g.first_response_time),
  },
  {
    title: "Waiting",
    value: (k) => count(k.waiting?.value),
    lines: (k) => [`longest ${duration(k.longest_wait?.value)}`],
    verdict: (k, g) => judge.waiting(k.waiting, k.longest_wait, g.first_response_time),
  },
  {
    title: "Backlog",
    value: (k) => count(k.backlog?.value),
    lines: (k) => [`new ${count(k.opened?.value)}`, `done ${count(k.resolved?.value)}`],
    verdict: () => null,
  },
  {
    title: "Breaching soon",
    value: (k) => count(k.breaching_soon?.value),
    lines: (k) => [`breached ${count(k.frt_breaches?.value)}`],
    verdict: (k) => judge.breachingSoon(k.breaching_soon),
  },
  {
    title: "Missed",
    value: (k) => count(k.missed?.value),
    lines: (k) => [percent(k.missed_rate?.value), `of ${count(k.offered?.value)}`],
    verdict: () => null,
  },
];

export const KPIS = [
  "service_level", "first_response_time", "waiting", "longest_wait", "backlog", "opened", "resolved", "breaching_soon", "frt_breaches",
  "missed", "missed_rate", "offered",
];

export function makeTiles(parent) {
  const tiles = TILES.map((spec) => {
    const box = element("article", "tile");
    const value = element("p", "value");
    const lines = element("p", "lines");
    const badge = element("p", "badge");
    box.append(element("h2", "", spec.title), value, lines, badge);
    parent.append(box);
    return { spec, box, value, lines, badge };
  });
  return (row) => {
    const kpis = row?.kpis ?? {};
    const goals = row?.goals ?? {};
    for (const { spec, box, value, lines, badge } of tiles) {
      write(value, spec.value(kpis));
      const texts = spec.lines(kpis, goals);
      while (lines.children.length < texts.length) lines.append(element("span"));
      texts.forEach((text, at) => write(lines.children[at], text));
      const verdict = spec.verdict(kpis, goals);
      box.dataset.level = verdict?.level ?? "neutral";
      badge.hidden = !verdict;
      if (verdict) mark(badge, verdict.level, judge.ICON[verdict.level], verdict.word);
    }
  };
}
