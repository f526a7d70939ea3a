// One server-sent-event stream a page: keeps the rows, alerts and state together and says when they can no longer be trusted.

const STALE_MS = 5000; // as on the server
const DEAD_MS = 25000; // two heartbeats and a half without a sign: the connection is gone though nobody said so
const RETRY_MS = 3000;

export class Live {
  #source = null;
  #rows = new Map();
  #alerts = [];
  #state = { status: "connecting" };
  #heard = 0;
  #fresh = 0;
  #url = "";

  constructor(changed) {
    this.changed = changed;
    setInterval(() => this.#watch(), 1000);
  }

  open(url) {
    this.#url = url;
    this.#source?.close();
    this.#heard = performance.now();
    const source = (this.#source = new EventSource(url));
    source.addEventListener("state", (event) => this.#take(event, true));
    source.addEventListener("delta", (event) => this.#take(event, false));
    source.addEventListener("status", (event) => {
      this.#heard = performance.now();
      this.#state = JSON.parse(event.data).state;
      this.changed();
    });
    source.addEventListener("heartbeat", () => { this.#heard = performance.now(); });
    source.onerror = () => {
      // The browser reconnects by itself unless the server has refused; a wallboard must not give up either way.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { if (this.#source === source) this.open(this.#url); }, RETRY_MS);
    };
  }

  get rows() { return [...this.#rows.values()]; }
  get alerts() { return this.#alerts; }

  /** The server's word, unless nothing has come from it for too long. */
  get state() {
    const silent = this.#fresh && !["final", "stale"].includes(this.#state.status) && performance.now() - this.#fresh > STALE_MS;
    return silent ? { ...this.#state, status: "stale", stale_since: this.#state.at } : this.#state;
  }

  row(segment) { return this.#rows.get(keyOf(segment)); }

  #take(event, whole) {
    this.#heard = this.#fresh = performance.now();
    const data = JSON.parse(event.data);
    if (whole) this.#rows.clear();
    for (const row of data.rows) this.#rows.set(keyOf(row.segment), row);
    for (const segment of data.removed) this.#rows.delete(keyOf(segment));
    if (data.alerts) this.#alerts = data.alerts;
    this.#state = data.state;
    this.changed();
  }

  #watch() {
    if (performance.now() - this.#heard > DEAD_MS) this.open(this.#url);
    this.changed();
  }
}

export function keyOf(segment) {
  return JSON.stringify(Object.entries(segment).sort());
}
