// Draws zones, subnets and instances with their slots.

import { arrange, make, say, set } from "./dom.js";
import { byName, nameOf, natural } from "./model.js";

// Up to how many instances there is room for words, and for numbers.
const roomy = 16, medium = 96;
// An instance with more slots than this shows squares even where there is room.
const listed = 8;

export class MapView {
  constructor(root, account, palette) {
    Object.assign(this, { root, account, palette });
    this.zones = new Map();
    this.subnets = new Map();
    this.instances = new Map();
  }

  // draw redraws what is stale; everything where the density or the owners have changed.
  draw(dirty, everything) {
    const { account } = this;
    const count = account.instances.size;
    const density = count <= roomy ? "roomy" : count <= medium ? "medium" : "compact";
    everything ||= density !== this.root.dataset.density;
    set(this.root, { density, instances: count, interfaces: account.interfaces.size });
    const moved = this.mirror(this.subnets, account.subnets, newSubnet) | this.mirror(this.instances, account.instances, newInstance);
    if (moved || everything) this.place();
    for (const [id, element] of this.subnets) {
      if (everything || dirty.has(id)) this.drawSubnet(element, account.subnets.get(id));
    }
    for (const [id, element] of this.instances) {
      if (everything || dirty.has(id)) this.drawInstance(element, account.instances.get(id), density);
    }
    if (moved) this.keepEntrance();
  }

  // mirror makes and removes elements so that there is one for each item.
  mirror(elements, items, create) {
    let moved = false;
    for (const [id, element] of elements) {
      if (items.has(id)) continue;
      element.remove();
      elements.delete(id);
      moved = true;
    }
    for (const [id] of items) {
      if (elements.has(id)) continue;
      elements.set(id, create(id));
      moved = true;
    }
    return moved;
  }

  // place puts every element where it belongs, in the order of names.
  place() {
    const names = [...new Set([...this.account.subnets.values()].map((s) => s.zone))].sort(natural);
    this.mirror(this.zones, new Map(names.map((name) => [name, name])), newZone);
    arrange(this.root, names.map((name) => this.zones.get(name)));
    for (const name of names) {
      const zone = this.zones.get(name);
      const subnets = [...this.account.subnets.values()].filter((s) => s.zone === name).sort(byName);
      const instances = [...this.account.instances.values()].filter((i) => this.account.zoneOf(i) === name).sort(byName);
      arrange(zone.querySelector(".subnets"), subnets.map((s) => this.subnets.get(s.id)));
      arrange(zone.querySelector(".instances"), instances.map((i) => this.instances.get(i.id)));
      set(zone, { subnets: subnets.length, instances: instances.length });
      say(zone.querySelector("h2 span"), `${subnets[0]?.zoneId ?? ""} · ${plural(subnets.length, "subnet")} · ${plural(instances.length, "instance")}`);
    }
  }

  // keepEntrance keeps one element in the order of the Tab key, from which arrows lead on.
  keepEntrance() {
    if (!this.root.querySelector('[tabindex="0"]')) this.root.querySelector("[tabindex]")?.setAttribute("tabindex", "0");
  }

  drawSubnet(element, s) {
    const used = s.size - s.free;
    const share = s.size ? used / s.size : 0;
    set(element, { used, size: s.size, full: share >= 1 ? "full" : share >= 0.8 ? "nearly" : null });
    say(element.querySelector("b"), nameOf(s));
    say(element.querySelector(".cidr"), s.cidr);
    say(element.querySelector(".use"), `${used} / ${s.size}`);
    element.querySelector(".bar i").style.width = `${100 * share}%`;
    element.setAttribute("aria-label", `Subnet ${nameOf(s)}, ${used} of ${s.size} addresses used`);
    arrange(element.querySelector(".loose"), this.slotElements(element, this.account.at(s.id).map((iface) => ({ iface })), "square"));
  }

  drawInstance(element, i, density) {
    const cards = this.account.slots(i);
    const used = this.account.at(i.id).length;
    const style = density === "roomy" && i.cards * i.perCard <= listed ? "row" : density === "compact" ? "dot" : "square";
    set(element, { state: i.state, type: i.type, style, used, size: i.cards * i.perCard, zone: this.account.zoneOf(i) });
    const head = element.querySelector("header");
    say(head.querySelector("b"), nameOf(i));
    say(head.querySelector("small"), i.state === "running" ? i.type : `${i.type} · ${i.state}`);
    element.setAttribute("aria-label", `Instance ${nameOf(i)}, ${i.state}, ${used} of ${i.cards * i.perCard} slots used`);
    const slots = this.slotElements(element, cards.flat(), style);
    const rows = [...element.querySelectorAll(".card")];
    while (rows.length < cards.length) rows.push(make("div", { class: "card" }));
    rows.length = cards.length;
    arrange(element, [head, ...rows]);
    pack(element, style === "dot" ? footprint(i) : null, i.cards * i.perCard > listed);
    let at = 0;
    cards.forEach((places, card) => {
      set(rows[card], { card: cards.length > 1 ? card : null });
      arrange(rows[card], slots.slice(at, at += places.length));
    });
  }

  // slotElements draws places, on the elements that were there for them already, so that
  // a change of state is seen as one.
  slotElements(parent, places, style) {
    const old = new Map([...parent.querySelectorAll(".slot")].map((e) => [e.dataset.key, e]));
    return places.map((place) => {
      const key = place.index === undefined ? place.iface.id : `${place.card}-${place.index}`;
      const element = old.get(key) ?? make("div", { class: "slot", role: "button", tabindex: "-1" });
      this.drawSlot(set(element, { key }), place, style);
      return element;
    });
  }

  drawSlot(element, place, style) {
    const e = place.iface;
    const owner = e ? this.account.ownerOf(e) : null;
    set(element, {
      slot: place.index === undefined ? null : `${place.card}-${place.index}`,
      state: e ? e.state : place.unusable ? "unusable" : "empty",
      interface: e?.id ?? null, owner, colour: e ? this.palette.of(owner) : null,
    });
    const label = e ? `${e.state}, ${owner || "no owner"}, ${e.id}` : place.unusable ? "unusable until the instance is stopped" : "free";
    element.setAttribute("aria-label", place.index === undefined ? label : `Card ${place.card}, index ${place.index}: ${label}`);
    drawWords(element, place, style, owner);
  }
}

// footprint is how much of the compact grid an instance takes: its columns are as wide as
// four slots. The measures are those of the style sheet.
function footprint(i) {
  const columns = i.cards * i.perCard <= 4 ? 1 : i.cards * i.perCard <= 8 ? 2 : 4;
  const width = 67 * columns - 17;
  const across = Math.floor((width + 2) / 13);
  const abreast = Math.max(1, Math.floor((width + 6) / (13 * i.perCard + 4)));
  const lines = Math.ceil(i.cards / abreast) * Math.ceil(i.perCard / across);
  return { columns, rows: Math.ceil((lines + 1) / 2) };
}

function pack(element, size, wide) {
  element.style.gridColumn = size && size.columns > 1 ? `span ${size.columns}` : "";
  element.style.gridRow = size && size.rows > 1 ? `span ${size.rows}` : "";
  element.classList.toggle("wide", wide);
}

// drawWords is what a slot says where there is room.
function drawWords(element, place, style, owner) {
  if (style === "dot" || place.index === undefined) {
    if (element.firstChild) element.replaceChildren();
    return;
  }
  const e = place.iface;
  const primary = e && place.card === 0 && place.index === 0;
  const words = [String(place.index)];
  if (style === "row") {
    words.push(e ? owner || (primary ? "primary" : "no owner") : place.unusable ? "unusable" : "free", e ? (e.state === "attached" ? e.addresses[0] ?? "" : e.state) : "");
  }
  while (element.children.length > words.length) element.lastChild.remove();
  while (element.children.length < words.length) element.append(make("span"));
  words.forEach((word, i) => say(element.children[i], word));
}

function newZone(name) {
  const heading = make("h2", {}, name + " ", make("span", { class: "quiet" }));
  return set(make("section", { class: "zone" }, heading, make("div", { class: "subnets" }), make("div", { class: "instances" })), { zone: name });
}

function newSubnet(id) {
  const head = make("header", {}, make("b"), make("small", { class: "use" }));
  const element = make("article", { class: "subnet", tabindex: "-1", role: "button" }, head, make("div", { class: "bar" }, make("i")), make("small", { class: "cidr" }), make("div", { class: "loose" }));
  return set(element, { subnet: id });
}

function newInstance(id) {
  const element = make("article", { class: "instance", tabindex: "-1", role: "button" }, make("header", {}, make("b"), make("small")));
  return set(element, { instance: id });
}

const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
