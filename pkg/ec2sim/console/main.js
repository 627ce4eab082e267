// Puts the page together: the event stream comes in, and is drawn once a frame at most.

import { Details } from "./details.js";
import { say, set } from "./dom.js";
import { MapView } from "./map.js";
import { Account } from "./model.js";
import { steer } from "./keys.js";
import { Calls, Palette, drawOwners, drawSummary } from "./panels.js";
import { Spotlight } from "./spotlight.js";

const $ = (selector) => document.querySelector(selector);
const root = document.documentElement;
const account = new Account();
const palette = new Palette();
const map = new MapView($("#map"), account, palette);
const calls = new Calls($("#calls"), account);
const details = new Details($("#details"), account);
const spotlight = new Spotlight($("#map"), $("#find input"), account);

let everything = false;
let waiting = 0;

function draw() {
  waiting = 0;
  const dirty = account.dirty;
  account.dirty = new Set();
  const now = performance.now();
  if (dirty.size || everything) {
    // Owners first, in the order of their names, so that neighbours differ in colour.
    drawOwners($("#owners"), account, palette);
    map.draw(dirty, everything);
    drawSummary(account);
    spotlight.light();
  }
  everything = false;
  calls.draw(now);
  details.refresh();
}

function redraw() {
  waiting ||= requestAnimationFrame(draw);
}

function live(state, words) {
  set(root, { live: state });
  say($("#live"), words);
}

function listen() {
  const stream = new EventSource("_sim/events");
  const take = (event) => {
    if (event.type === "world") {
      everything = true;
      calls.reset();
    }
    account.apply(event.type, JSON.parse(event.data));
    if (event.type === "world") calls.tick(performance.now());
    live("yes", "live");
    redraw();
  };
  stream.addEventListener("world", take);
  stream.addEventListener("change", take);
  stream.addEventListener("error", () => {
    live("no", "no simulator; trying again");
    // The browser tries again by itself unless the answer was no stream at all.
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
}

// The choice of light or dark outlives the page where the browser lets it.
function theme() {
  const choices = ["", "light", "dark"];
  let chosen = "";
  try {
    chosen = localStorage.getItem("theme") ?? "";
  } catch { /* storage is switched off */ }
  const apply = () => set(root, { theme: chosen || null });
  $("#theme").addEventListener("click", () => {
    chosen = choices[(choices.indexOf(chosen) + 1) % choices.length];
    try {
      localStorage.setItem("theme", chosen);
    } catch { /* storage is switched off */ }
    apply();
  });
  apply();
}

$("#owners select").addEventListener("change", (event) => {
  account.ownerKey = event.target.value;
  everything = true;
  redraw();
});
setInterval(() => {
  calls.tick(performance.now());
  details.refresh();
}, 1000);
theme();
steer($("#map"));
listen();
