// Shows the details of what the pointer or the focus is on.

import { make } from "./dom.js";
import { nameOf, natural, tally } from "./model.js";

const items = "[data-interface], [data-slot], [data-instance], [data-subnet], tr[data-action]";

export class Details {
  constructor(box, account) {
    Object.assign(this, { box, account, target: null, kept: false });
    document.addEventListener("mouseover", (event) => this.point(event.target.closest?.(items)));
    document.addEventListener("focusin", (event) => this.point(event.target.closest?.(items)));
    document.documentElement.addEventListener("mouseleave", () => this.point(null));
    document.addEventListener("focusout", () => this.point(null));
    document.addEventListener("click", (event) => this.keep(event.target));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
      if (event.key === "Enter") this.keep(event.target);
    });
    addEventListener("scroll", () => this.move(), { passive: true });
  }

  point(target) {
    if (!this.kept) this.show(target ?? null);
  }

  // keep holds the details open, so that they can be read at leisure and copied from.
  keep(target) {
    const item = target.closest?.(items);
    if (this.box.contains(target)) return;
    this.kept = false;
    this.show(item ?? null);
    this.kept = Boolean(item);
    this.box.classList.toggle("kept", this.kept);
  }

  close() {
    this.kept = false;
    this.box.classList.remove("kept");
    this.show(null);
  }

  show(target) {
    this.target?.removeAttribute("aria-describedby");
    this.target = target;
    this.refresh();
    target?.setAttribute("aria-describedby", this.box.id);
  }

  // refresh tells the news of what is shown; what has gone is not shown any more.
  refresh() {
    const facts = this.target?.isConnected ? this.facts(this.target.dataset) : null;
    this.box.hidden = !facts;
    if (!facts) return;
    const [title, state, list, tags] = facts;
    const head = make("header", {}, make("b", {}, title));
    if (state) head.append(make("span", { "data-state": state }, state));
    this.box.replaceChildren(head, definitions(list));
    const keys = Object.keys(tags ?? {}).sort(natural);
    if (keys.length) this.box.append(make("h3", {}, "Tags"), definitions(keys.map((k) => [k, tags[k]])));
    this.move();
  }

  // move puts the box beside its target, inside the window.
  move() {
    if (this.box.hidden || !this.target?.isConnected) return;
    const at = this.target.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const gap = 8;
    let left = at.right + gap;
    if (left + width > innerWidth - gap) left = at.left - gap - width;
    if (left < gap) left = Math.max(gap, Math.min(at.left, innerWidth - width - gap));
    let top = at.top;
    if (left < at.right && left + width > at.left) top = at.bottom + gap;
    top = Math.max(gap, Math.min(top, innerHeight - height - gap));
    this.box.style.left = `${Math.round(left)}px`;
    this.box.style.top = `${Math.round(top)}px`;
  }

  facts(data) {
    const { account } = this;
    if (data.interface) return interfaceFacts(account, account.interfaces.get(data.interface));
    if (data.action !== undefined) return callFacts(data, account.calls.get(data.action));
    if (data.subnet) return subnetFacts(account, account.subnets.get(data.subnet));
    const instance = account.instances.get(data.instance ?? this.target.closest("[data-instance]")?.dataset.instance);
    return data.slot ? slotFacts(data, instance) : instanceFacts(account, instance);
  }
}

function interfaceFacts(account, e) {
  if (!e) return null;
  const a = e.attachment;
  const subnet = account.subnets.get(e.subnet);
  const instance = a && account.instances.get(a.instance);
  return [e.id, e.state, [
    ["owner", account.ownerOf(e) || "no owner"],
    a && ["instance", instance && nameOf(instance) !== a.instance ? `${nameOf(instance)} (${a.instance})` : a.instance],
    a && ["slot", `card ${a.card}, index ${a.index}`],
    a && ["attachment", a.id],
    a && ["since", time(a.since)],
    a && ["on termination", a.deleteOnTermination ? "is deleted" : "stays"],
    ["subnet", subnet && nameOf(subnet) !== e.subnet ? `${nameOf(subnet)} (${e.subnet})` : e.subnet],
    ["addresses", e.addresses.join(", ")],
    e.prefixes && ["prefixes", e.prefixes.join(", ")],
    ["MAC", e.mac],
    e.type !== "interface" && ["type", e.type],
    ["groups", e.securityGroups.join(", ")],
    e.description && ["description", e.description],
  ], e.tags];
}

function instanceFacts(account, i) {
  if (!i) return null;
  const here = account.at(i.id);
  return [nameOf(i), i.state, [
    ["instance", i.id],
    ["type", `${i.type}: ${i.cards > 1 ? `${i.cards} cards of ${i.perCard}` : i.perCard} interfaces`],
    ["slots", `${here.length} of ${i.cards * i.perCard} used`],
    ["zone", account.zoneOf(i)],
    ["subnet", i.subnet],
    ["address", here[0]?.addresses[0] ?? "none"],
    i.unusable && ["unusable", i.unusable.map((s) => `card ${s.card}, index ${s.index}`).join("; ")],
  ], i.tags];
}

function slotFacts(data, i) {
  if (!i) return null;
  const [card, index] = data.slot.split("-");
  const list = [["instance", nameOf(i)], ["slot", `card ${card}, index ${index}`]];
  if (data.state === "unusable") list.push(["why", "an interface was detached by force; stop the instance to use it again"]);
  return [data.state === "unusable" ? "Unusable slot" : "Free slot", "", list];
}

function subnetFacts(account, s) {
  if (!s) return null;
  const count = {};
  for (const e of account.interfaces.values()) if (e.subnet === s.id) count[e.state] = (count[e.state] ?? 0) + 1;
  return [nameOf(s), "", [
    ["subnet", s.id],
    ["VPC", s.vpc],
    ["zone", `${s.zone} (${s.zoneId})`],
    ["CIDR", s.cidr],
    ["addresses", `${s.size - s.free} of ${s.size} used, ${s.free} free`],
    ["interfaces", Object.entries(count).map(([state, n]) => `${n} ${state}`).join(", ") || "none"],
  ], s.tags];
}

function callFacts(data, codes) {
  if (!codes) return null;
  const { total } = tally(codes);
  const list = Object.entries(codes).sort((a, b) => b[1] - a[1]);
  return [data.action || "(no action)", "", [["calls", String(total)], ["per second", data.rate], ...list.map(([code, n]) => [code, String(n)])]];
}

function definitions(list) {
  const out = make("dl");
  for (const fact of list) if (fact) out.append(make("dt", {}, fact[0]), make("dd", {}, fact[1]));
  return out;
}

const time = (text) => text.slice(0, 19).replace("T", " ") + " UTC";
