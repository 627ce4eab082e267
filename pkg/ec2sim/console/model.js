// The account as the event stream tells it. Nothing here draws.

// Tags that tell whose an interface is, the most telling first: as the whole key, or
// after a prefix as in example.com/owner.
const ownerTags = ["owner", "nodeeni-name", "cluster-name", "Name"];

export const states = ["attaching", "attached", "detaching", "available"];

export class Account {
  constructor() {
    this.ownerKey = ""; // a tag's key, or empty for ownerTags
    this.clear();
  }

  clear() {
    this.region = "";
    this.account = "";
    this.subnets = new Map();
    this.instances = new Map();
    this.interfaces = new Map();
    this.calls = new Map(); // action: {code: count}
    this.inside = new Map(); // instance or subnet: set of interfaces that are drawn there
    this.dirty = new Set(); // IDs whose drawing is stale
  }

  // apply takes an event's data; an event named world replaces everything.
  apply(name, data) {
    if (name === "world") {
      this.clear();
      this.region = data.region;
      this.account = data.account;
    }
    for (const id of data.gone ?? []) this.remove(id);
    for (const s of data.subnets ?? []) this.put(this.subnets, s);
    for (const i of data.instances ?? []) this.put(this.instances, i);
    for (const e of data.interfaces ?? []) {
      this.leave(this.interfaces.get(e.id));
      this.put(this.interfaces, e);
      this.enter(e);
    }
    for (const [action, codes] of Object.entries(data.calls ?? {})) this.calls.set(action, codes);
  }

  put(map, item) {
    map.set(item.id, item);
    this.dirty.add(item.id);
  }

  remove(id) {
    this.leave(this.interfaces.get(id));
    for (const map of [this.interfaces, this.instances, this.subnets]) map.delete(id);
    this.dirty.add(id);
  }

  enter(e) {
    const place = placeOf(e);
    if (!this.inside.has(place)) this.inside.set(place, new Set());
    this.inside.get(place).add(e);
    this.dirty.add(place);
  }

  leave(e) {
    if (!e) return;
    this.inside.get(placeOf(e))?.delete(e);
    this.dirty.add(placeOf(e));
  }

  // at lists what is drawn in an instance or in a subnet, by card, index and ID.
  at(id) {
    return [...(this.inside.get(id) ?? [])].sort((a, b) =>
      (a.attachment?.card ?? 0) - (b.attachment?.card ?? 0) ||
      (a.attachment?.index ?? 0) - (b.attachment?.index ?? 0) || (a.id < b.id ? -1 : 1));
  }

  zoneOf(instance) {
    return this.subnets.get(instance.subnet)?.zone ?? "";
  }

  // slots lists an instance's places by card: those in use, and as many others as the
  // type still takes, at the lowest indexes.
  slots(instance) {
    if (instance.state === "terminated") return [[]];
    const used = new Map(this.at(instance.id).map((e) => [key(e.attachment), e]));
    const unusable = new Set((instance.unusable ?? []).map(key));
    const cards = [];
    for (let card = 0; card < instance.cards; card++) {
      const places = [...used.values()].filter((e) => e.attachment.card === card)
        .map((e) => ({ card, index: e.attachment.index, iface: e }));
      for (let index = 0; places.length < instance.perCard; index++) {
        const place = { card, index };
        if (!used.has(key(place))) places.push({ ...place, unusable: unusable.has(key(place)) });
      }
      cards.push(places.sort((a, b) => a.index - b.index));
    }
    return cards;
  }

  // ownerOf is a short word for whose an interface is, or empty.
  ownerOf(e) {
    const tags = e.tags ?? {};
    if (this.ownerKey) return tags[this.ownerKey] ?? "";
    for (const wanted of ownerTags) {
      for (const [tag, value] of Object.entries(tags)) {
        if (value && (tag.toLowerCase() === wanted.toLowerCase() || tag.endsWith("/" + wanted))) return value;
      }
    }
    return "";
  }

  // owners counts interfaces by owner, and tagKeys lists the tags they bear.
  owners() {
    const count = new Map();
    for (const e of this.interfaces.values()) {
      const owner = this.ownerOf(e);
      count.set(owner, (count.get(owner) ?? 0) + 1);
    }
    return [...count].sort((a, b) => (a[0] === "") - (b[0] === "") || natural(a[0], b[0]));
  }

  tagKeys() {
    const keys = new Set();
    for (const e of this.interfaces.values()) for (const tag of Object.keys(e.tags ?? {})) keys.add(tag);
    return [...keys].sort(natural);
  }

  // summary counts interfaces by state, and slots that are free.
  summary() {
    const out = { attaching: 0, attached: 0, detaching: 0, available: 0, empty: 0 };
    for (const e of this.interfaces.values()) out[e.state]++;
    for (const i of this.instances.values()) {
      if (i.state !== "terminated") out.empty += i.cards * i.perCard;
    }
    out.empty -= this.interfaces.size - out.available;
    return out;
  }
}

// placeOf is where an interface is drawn: in its instance, or else in its subnet.
function placeOf(e) {
  return e.attachment ? e.attachment.instance : e.subnet;
}

const key = (slot) => `${slot.card}-${slot.index}`;

const collator = new Intl.Collator("en", { numeric: true });
export const natural = (a, b) => collator.compare(a, b);

export const nameOf = (item) => item.tags?.Name || item.id;

export const byName = (a, b) => natural(nameOf(a), nameOf(b)) || natural(a.id, b.id);

// tally sums an action's codes up.
export function tally(codes) {
  let total = 0, ok = 0;
  for (const [code, n] of Object.entries(codes)) {
    total += n;
    // A dry run that would have succeeded has done what it was asked to.
    if (code === "OK" || code === "DryRunOperation") ok += n;
  }
  const throttled = codes.RequestLimitExceeded ?? 0;
  return { total, throttled, errors: total - ok - throttled };
}
