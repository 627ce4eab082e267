// Dims what is not looked for: other owners, other subnets, what the search does not find.

import { set } from "./dom.js";

export class Spotlight {
  constructor(map, input, account) {
    Object.assign(this, { map, input, account, owner: null, subnet: null });
    const follow = (event) => {
      const target = event.target;
      const owner = target.closest?.("#owners li[data-owner]")?.dataset.owner ?? null;
      const subnet = target.classList?.contains("slot") ? null : target.closest?.("[data-subnet]")?.dataset.subnet ?? null;
      if (owner === this.owner && subnet === this.subnet) return;
      Object.assign(this, { owner, subnet });
      this.light();
    };
    for (const type of ["mouseover", "focusin"]) document.addEventListener(type, follow);
    input.addEventListener("input", () => this.light());
  }

  light() {
    const wanted = this.input.value.trim().toLowerCase();
    const on = wanted !== "" || this.owner !== null || this.subnet !== null;
    set(this.map, { spot: on ? "on" : null });
    if (!on) {
      for (const lit of this.map.querySelectorAll("[data-lit]")) delete lit.dataset.lit;
      return;
    }
    for (const slot of this.map.querySelectorAll(".slot")) {
      const e = this.account.interfaces.get(slot.dataset.interface);
      set(slot, { lit: e && this.fits(e, wanted) ? "yes" : null });
    }
    for (const element of this.map.querySelectorAll("[data-instance], [data-subnet]")) {
      const item = this.account.instances.get(element.dataset.instance) ?? this.account.subnets.get(element.dataset.subnet);
      const itself = wanted ? found(item, wanted) : element.dataset.subnet === this.subnet;
      set(element, { lit: itself ? "yes" : element.querySelector(".slot[data-lit]") ? "inside" : null });
    }
  }

  fits(e, wanted) {
    if (this.owner !== null && this.account.ownerOf(e) !== this.owner) return false;
    if (this.subnet !== null && e.subnet !== this.subnet) return false;
    return !wanted || found(e, wanted);
  }
}

// found tells whether any word of a resource has the text in it.
function found(item, text) {
  const words = [item.id, item.type, item.cidr, item.mac, item.description, item.state, ...(item.addresses ?? []), ...(item.prefixes ?? []), ...Object.entries(item.tags ?? {}).flat()];
  return words.some((w) => w?.toLowerCase().includes(text));
}
