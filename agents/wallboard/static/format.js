// Figures as text. No value is "–", never 0.

export const NONE = "–";

const integer = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

const given = (value) => typeof value === "number" && Number.isFinite(value);

export function count(value) {
  return given(value) ? integer.format(value) : NONE;
}

/** A share from 0 to 1 as per cent with one decimal. */
export function percent(value, digits = 1) {
  return given(value) ? `${(value * 100).toFixed(digits)} %` : NONE;
}

/** Seconds as the shortest text that a shift lead reads at a glance. */
export function duration(seconds) {
  if (!given(seconds)) return NONE;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)} m`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}:${two(minutes % 60)} h`;
  return `${(seconds / 86400).toFixed(1)} d`;
}

const two = (n) => String(n).padStart(2, "0");

/** The time of day in an RFC 3339 instant, in the instant's own zone: the centre's, not the screen's. */
export function clock(instant, withSeconds = false) {
  return instant ? instant.slice(11, withSeconds ? 19 : 16) : NONE;
}

/** The same, with the day where it is not the day of `now`. */
export function since(instant, now) {
  if (!instant) return NONE;
  return now && instant.slice(0, 10) !== now.slice(0, 10) ? `${instant.slice(0, 10)} ${clock(instant)}` : clock(instant);
}

/** A segment as people say it. */
export function place(segment) {
  const parts = Object.entries(segment ?? {}).map(([dim, value]) => `${words(dim)} ${value ?? "(none)"}`);
  return parts.length ? parts.join(", ") : "Whole centre";
}

export function words(name) {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
