// The heading and the controls: engine, level, the manifest's address.
import { manifestFor, type EngineName, type Level } from "./engine";
import { rung } from "./format";
import { byId, html } from "./markup";

const ENGINES: Record<EngineName, string> = { hls: "hls.js", dash: "dash.js" };
const AUTO = "auto";

/** Names the page after the title: /v/<title>/<version>/…, or else the manifest's folder. */
export function drawHeading(manifestUrl: string): void {
  const folders = decodeURIComponent(new URL(manifestUrl).pathname).split("/").slice(1, -1);
  const title = (folders[0] === "v" ? folders[1] : folders.at(-1)) || "Untitled";
  byId("heading").textContent = title;
  document.title = `${title} · Penstock`;
}

export function linkEngines(manifestUrl: string, current: EngineName): void {
  const link = (engine: EngineName) => {
    const query = new URLSearchParams({ src: manifestFor(manifestUrl, engine), engine });
    return html("a", { href: `?${query}`, ...(engine === current && { "aria-current": "true" }) }, ENGINES[engine]);
  };
  byId("engines").replaceChildren(link("hls"), link("dash"));
}

export function linkManifest(manifestUrl: string): void {
  byId("manifest").textContent = manifestUrl;
  byId("manifest").setAttribute("href", manifestUrl);
}

export function onLevelChosen(choose: (level: number | null) => void): void {
  const menu = byId<HTMLSelectElement>("level");
  menu.addEventListener("change", () => choose(menu.value === AUTO ? null : Number(menu.value)));
}

/** Fills the menu once the ladder is known; the highest rung stands on top, as viewers expect. */
export function drawLevels(ladder: Level[]): void {
  const menu = byId<HTMLSelectElement>("level");
  if (menu.length === ladder.length + 1) return;
  const rungs = ladder.map((level, index) => html("option", { value: String(index) }, rung(level)));
  menu.replaceChildren(html("option", { value: AUTO }, "Auto"), ...rungs.reverse());
}
