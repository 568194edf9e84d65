// Builds elements, and the few icons of the page.

// h("button", {class: "icon", onclick: f, "aria-label": "Send"}, "text", child, null, …)
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Gives `parent` these children. The ones it has already are touched no more than needed: they keep the focus, a press
// that has begun, a film that plays.
export function arrange(parent, children) {
  const staying = new Set(children);
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  for (const child of [...parent.children]) if (!staying.has(child)) child.remove();
  children.forEach((child, i) => {
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
  });
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

// A list of tabs is one stop of the Tab key; arrows lead to the others, which are chosen by it.
export function rove(tabs) {
  tabs.addEventListener("keydown", (event) => {
    const all = [...tabs.querySelectorAll("[role=tab]")];
    const at = all.indexOf(event.target);
    const next = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    const tab = all[(next + all.length) % all.length];
    tab.focus();
    tab.click();
  });
}

// Whether list and conversation are side by side; the style sheet has the same width.
const WIDE = matchMedia("(min-width: 760px)");

export const wide = () => WIDE.matches;

export const whenWide = (act) => WIDE.addEventListener("change", () => wide() && act());

const PATHS = {
  back: "M15 5l-7 7 7 7",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  clip: "M20 11.5l-8 8a5 5 0 0 1-7.1-7.1l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4l7.5-7.5",
  camera: "M4 8h3l2-2.5h6L17 8h3v11H4zM12 16.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z",
  send: "M5 12h13M12.5 6l6 6-6 6",
  close: "M6 6l12 12M18 6L6 18",
  down: "M6 9.5l6 6 6-6",
  settings: "M5 7h9M18 7h1M5 17h1M10 17h9M16 7a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM10 17a2 2 0 1 1-4 0 2 2 0 0 1 4 0z",
  file: "M7 3.5h7l4 4V20.5H7zM14 3.5v4h4",
  photo: "M4 5h16v14H4zM4 16l5-5 4.5 4.5 2.5-2.5 4 4M15.5 9.5v.01",
  reply: "M10 7l-5 5 5 5M5.5 12H14a5 5 0 0 1 5 5v1",
  edit: "M5 19l1-4L16 5l3 3L9 18z",
  copy: "M9 9h10v10H9zM5 15V5h10",
  trash: "M5 7h14M9 7V5h6v2M7 7l1 12.5h8L17 7",
  forward: "M14 7l5 5-5 5M18.5 12H10a5 5 0 0 0-5 5v1",
  link: "M9 15L17 7M11 7h6v6",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  plus: "M12 5v14M5 12h14",
  menu: "M5 8h14M5 12h14M5 16h9",
  compare: "M12 4v16M8.5 8.5L5 12l3.5 3.5M15.5 8.5L19 12l-3.5 3.5",
  phone: "M8 3.5h8v17H8zM11.5 17.5h1",
  seen: "M2.5 12.5l4 4 8-9M10.5 15.5l1 1 8-9",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("drawn", `drawn-${name}`);
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, onclick, properties = {}) {
  return h("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick, ...properties }, icon(name));
}
