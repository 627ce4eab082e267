// Draws what stands beside the map: calls, owners, the legend's numbers.

import { arrange, make, say, set } from "./dom.js";
import { natural, tally } from "./model.js";

const colours = 10; // as many as the style sheet has

// Palette gives owners colours that stay theirs for as long as the page is open.
export class Palette {
  constructor() {
    this.given = new Map();
  }

  of(owner) {
    if (!owner) return "none";
    if (!this.given.has(owner)) this.given.set(owner, this.given.size % colours);
    return this.given.get(owner);
  }
}

// Calls counts calls over the last seconds: a person's seconds, for the simulator's
// clock may jump or stand still.
const window_ = 10, history = 120;

export class Calls {
  constructor(section, account) {
    Object.assign(this, { section, account });
    this.rows = new Map();
    this.past = []; // {at, totals: {action: {total, throttled, errors}}}, one a second
  }

  reset() {
    this.past = [];
  }

  // tick notes how many calls there are, once a second.
  tick(now) {
    this.past.push({ at: now, totals: this.totals() });
    if (this.past.length > history + 1) this.past.shift();
    this.draw(now);
    this.drawChart();
  }

  totals() {
    const out = new Map();
    for (const [action, codes] of this.account.calls) out.set(action, tally(codes));
    return out;
  }

  // rate is calls a second since the window began, or since the page has looked on.
  rate(action, total, now) {
    const start = this.past.find((p) => p.at >= (now - (window_ + 0.5) * 1000)) ?? this.past[0];
    if (!start) return 0;
    return Math.max(0, total - (start.totals.get(action)?.total ?? 0)) / Math.max(1, (now - start.at) / 1000);
  }

  draw(now) {
    const actions = [...this.account.calls.keys()].sort(natural);
    set(this.section, { actions: actions.length });
    for (const action of this.rows.keys()) if (!this.account.calls.has(action)) this.rows.delete(action);
    let rates = 0;
    const lines = actions.map((action) => {
      const sums = tally(this.account.calls.get(action));
      const rate = this.rate(action, sums.total, now);
      rates += rate;
      return this.drawRow(action, sums, rate);
    });
    arrange(this.section.querySelector("tbody"), lines);
    say(this.section.querySelector("#calls-sum"), actions.length ? `${perSecond(rates) || "0"} a second` : "");
  }

  drawRow(action, { total, throttled, errors }, rate) {
    let row = this.rows.get(action);
    if (!row) {
      row = make("tr", { tabindex: "0" }, make("th", { scope: "row" }), ...["rate", "total", "throttled", "errors"].map((c) => make("td", { class: c })));
      this.rows.set(action, row);
    }
    set(row, { action, total, throttled, errors, rate: rate.toFixed(2), busy: rate > 0 ? "yes" : null });
    const [name, ...cells] = row.children;
    say(name, action || "(none)");
    [perSecond(rate), grouped(total), throttled ? grouped(throttled) : "", errors ? grouped(errors) : ""].forEach((text, i) => say(cells[i], text));
    return row;
  }

  drawChart() {
    const points = [];
    for (let i = 1; i < this.past.length; i++) {
      const [a, b] = [this.past[i - 1], this.past[i]];
      const seconds = Math.max(0.2, (b.at - a.at) / 1000);
      let all = 0, bad = 0;
      for (const [action, sums] of b.totals) {
        const before = a.totals.get(action) ?? { total: 0, throttled: 0 };
        all += Math.max(0, sums.total - before.total) / seconds;
        bad += Math.max(0, sums.throttled - before.throttled) / seconds;
      }
      points.push({ all, bad });
    }
    const peak = Math.max(1, ...points.map((p) => p.all));
    const bars = (pick) => points.map((p, i) =>
      pick(p) ? `M${history - points.length + i} 36v${(-34 * pick(p) / peak).toFixed(2)}h.8V36z` : "").join("");
    this.section.querySelector("path.all").setAttribute("d", bars((p) => p.all));
    this.section.querySelector("path.bad").setAttribute("d", bars((p) => p.bad));
    say(this.section.querySelector("#peak"), points.some((p) => p.all) ? `peak ${perSecond(peak)} a second` : "");
  }
}

export function drawOwners(section, account, palette) {
  const owners = account.owners();
  const shown = owners.slice(0, 24);
  const old = new Map([...section.querySelectorAll("li")].map((e) => [e.dataset.owner, e]));
  const lines = shown.map(([owner, count]) => {
    const line = old.get(owner) ?? make("li", { tabindex: "0" }, make("i", { class: "chip" }), make("span"), make("b"));
    set(line, { owner, colour: palette.of(owner), count });
    say(line.children[1], owner || "no owner");
    say(line.children[2], grouped(count));
    return line;
  });
  if (owners.length > shown.length) lines.push(make("li", { class: "quiet" }, `and ${owners.length - shown.length} more`));
  arrange(section.querySelector("ul"), lines);
  drawTagKeys(section.querySelector("select"), account);
}

// drawTagKeys leaves the list alone while it is right: it may be open.
function drawTagKeys(select, account) {
  const keys = account.tagKeys();
  if (account.ownerKey && !keys.includes(account.ownerKey)) keys.push(account.ownerKey);
  const there = [...select.options].slice(1).map((o) => o.value);
  if (keys.join("\n") === there.join("\n")) return;
  select.replaceChildren(select.options[0], ...keys.map((k) => make("option", { value: k }, k)));
  select.value = account.ownerKey;
}

export function drawSummary(account) {
  for (const [state, n] of Object.entries(account.summary())) {
    const item = document.querySelector(`[data-count="${state}"]`);
    set(item, { n });
    say(item.querySelector("b"), grouped(n));
  }
  say(document.querySelector("#where"), `${account.region} · account ${account.account} · ${grouped(account.instances.size)} instances · ${grouped(account.interfaces.size)} interfaces`);
}

const grouped = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");

const perSecond = (rate) => (rate === 0 ? "" : rate < 10 ? rate.toFixed(1) : grouped(Math.round(rate)));
