// What is good and what is bad: one place, so that tile and table never disagree. Each verdict is a word, an icon and a colour.

export const GOOD = "good", WARN = "warn", BAD = "bad", NEUTRAL = "neutral";

export const ICON = { good: "✓", warn: "▲", bad: "✕", neutral: "•" };

const verdict = (level, word) => ({ level, word });

export function serviceLevel(figure, goal) {
  if (figure?.value == null) return verdict(NEUTRAL, "none yet");
  if (goal == null) return verdict(NEUTRAL, "no single goal");
  return figure.value >= goal ? verdict(GOOD, "on goal") : verdict(BAD, "below goal");
}

export function responseTime(figure, target) {
  if (figure?.mean == null) return verdict(NEUTRAL, "no answers yet");
  if (target == null) return verdict(NEUTRAL, "no single target");
  return figure.mean <= target ? verdict(GOOD, "in target") : verdict(BAD, "over target");
}

export function waiting(figure, longest, target) {
  if (figure?.value == null) return verdict(NEUTRAL, "unknown");
  if (figure.value === 0) return verdict(GOOD, "nobody waits");
  if (figure.past_target > 0) return verdict(BAD, `${figure.past_target} past target`);
  if (target != null && longest?.value > target) return verdict(BAD, "past target");
  return verdict(NEUTRAL, figure.past_target === 0 ? "none past target" : "waiting");
}

export function breachingSoon(figure) {
  if (figure?.value == null) return verdict(NEUTRAL, "unknown");
  return figure.value > 0 ? verdict(WARN, "act now") : verdict(GOOD, "none due");
}

/** Lower is worse: distance from the goal first, then how long somebody waits, then the name. */
export function worstFirst(a, b) {
  return rank(a) - rank(b) || longestOf(b) - longestOf(a) || nameOf(a).localeCompare(nameOf(b), "en", { numeric: true });
}

function rank(row) {
  const value = row.kpis.service_level?.value;
  return value == null ? 1 : value - (row.goals?.service_level ?? 1);
}

const longestOf = (row) => row.kpis.longest_wait?.value ?? -1;
const nameOf = (row) => Object.values(row.segment).map((value) => value ?? "").join(" ");
