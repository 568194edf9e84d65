// The devices in the local network: where they find the page, the code for the next one, and who has joined.

import { show } from "./dialogs.js";
import { h, iconButton } from "./dom.js";
import { on } from "./model.js";
import * as server from "./server.js";
import { locale, t } from "./words.js";

const here = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname); // others may not ask

// Whether other devices are let in at all.
export const openToOthers = async () => here && (await server.get("/devices")).url !== "";

export async function showDevices() {
  const content = h("form", { method: "dialog" });
  const draw = async () => content.replaceChildren(...parts(await server.get("/devices")));
  await draw();
  redraw = draw;
  await show(content, { class: "ask devices", "aria-label": t("devices") });
  redraw = null;
}

let redraw = null;

on("devices", () => redraw?.());

function parts({ url, code, qr_code, joined }) {
  return [
    h("h2", {}, t("devices")),
    h("img", { class: "qr", src: qr_code, alt: "", width: 200, height: 200 }),
    h("p", {}, t("device_hint")),
    h("p", { class: "code" }, h("span", {}, url), h("b", {}, code)),
    ...joined.map((one) => h("div", { class: "row" }, h("span", {}, `${one.name}, ${new Date(1000 * one.joined_at).toLocaleDateString(locale())}`), iconButton("trash", `${t("remove")}: ${one.name}`, () => server.remove(`/devices/${one.id}`)))),
    h("menu", {}, h("button", { class: "strong", value: "" }, t("close"))),
  ];
}
