// The figures of now, the legend and the table of the last segments.
import { tiers, type Outcome, type Tier } from "./cache_status";
import type { Engine } from "./engine";
import { bitrate, percent, seconds, size } from "./format";
import { byId, html } from "./markup";
import type { Delivered, Session } from "./session";

const ROWS = 12;
const LEGEND: Record<Outcome, string> = {
  hit: "in store and fresh",
  revalidated: "in store, upstream said it is still good",
  stale: "in store, past its lifetime",
  miss: "fetched from upstream",
  browser: "from this browser's own cache, no request sent",
  unknown: "no Cache-Status header",
};

export function drawLegend(): void {
  const entries = Object.entries(LEGEND).map(([outcome, meaning]) =>
    html("li", { title: meaning }, html("i", { class: `swatch ${outcome}` }), outcome),
  );
  byId("legend").replaceChildren(...entries);
}

export function drawFigures(session: Session, engine: Engine, video: HTMLVideoElement): void {
  const { level, levels, buffer_s, hitRatio } = session.state;
  const current = level === null ? undefined : levels[level];
  const throughput_bps = engine.throughput_bps();
  const stalled = session.stalls ? `${session.stalls} · ${seconds(session.stalled_ms / 1000)}` : "0";
  const figures: [string, string][] = [
    ["Level", current ? `${current.height_px}p` : "–"],
    ["Buffer", seconds(buffer_s)],
    ["Throughput", throughput_bps ? bitrate(throughput_bps) : "–"],
    ["Hit ratio", hitRatio === null ? "–" : percent(hitRatio)],
    ["Switches", String(session.switches)],
    ["Stalls", stalled],
    ["Dropped", String(video.getVideoPlaybackQuality().droppedVideoFrames)],
    ["Segments", String(session.segments.length)],
  ];
  byId("figures").replaceChildren(
    ...figures.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))),
  );
}

export function drawRows(session: Session): void {
  const table = byId("rows");
  const count = String(session.segments.length);
  if (table.dataset["count"] === count) return; // rows at rest can be selected and read
  table.dataset["count"] = count;
  const last = session.segments.slice(-ROWS).reverse();
  table.replaceChildren(...last.map((segment) => row(segment, session)));
}

function row(segment: Delivered, session: Session): HTMLTableRowElement {
  const level = segment.level === null ? undefined : session.ladder[segment.level];
  return html(
    "tr",
    {},
    html("th", { scope: "row", class: "number", title: segment.url }, String(segment.number)),
    html("td", {}, level ? `${level.height_px}p` : segment.kind),
    html("td", {}, ...caches(segment)),
    html("td", { class: "number" }, size(segment.bytes)),
    html("td", { class: "number" }, `${Math.round(segment.ms)} ms`),
    html("td", { class: "number" }, segment.age_s === null ? "–" : `${segment.age_s} s`),
  );
}

function caches(segment: Delivered): Node[] {
  const passed = tiers(segment.cacheStatus).map(chip);
  if (segment.outcome === "browser") return [html("span", { class: "chip browser" }, "browser")];
  return passed.length ? passed : [html("span", { class: "chip unknown" }, "no Cache-Status")];
}

function chip({ name, outcome, isCollapsed, member }: Tier): HTMLElement {
  const did = isCollapsed ? `${outcome}, collapsed` : outcome;
  return html("span", { class: `chip ${outcome}`, title: member }, html("b", {}, name), ` ${did}`);
}
