// Moves the focus about the map with the arrow keys. One element of it takes part in the
// order of the Tab key; a key press for each of thousands of slots would be of no use.

export function steer(map) {
  map.addEventListener("focusin", (event) => {
    map.querySelectorAll('[tabindex="0"]').forEach((e) => e.setAttribute("tabindex", "-1"));
    event.target.setAttribute("tabindex", "0");
  });
  map.addEventListener("keydown", (event) => {
    const next = target(map, event.key);
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  });
}

// target is where a key leads: left and right to the next thing of any kind, up and down
// to the next subnet or instance.
function target(map, key) {
  const all = [...map.querySelectorAll("[tabindex]")];
  const at = all.indexOf(document.activeElement);
  const whole = (e) => !e.classList.contains("slot");
  switch (key) {
    case "ArrowRight": return all[at + 1];
    case "ArrowLeft": return all[at - 1];
    case "ArrowDown": return all.slice(at + 1).find(whole);
    case "ArrowUp": return all.slice(0, Math.max(0, at)).findLast(whole);
    case "Home": return all[0];
    case "End": return all.at(-1);
    default: return undefined;
  }
}
