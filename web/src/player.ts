// The player page: /?src=<manifest URL>&engine=hls|dash plays; / alone offers the titles of titles.json.
import { drawHeading, drawLevels, linkEngines, linkManifest, onLevelChosen } from "./controls";
import { playDash } from "./dash_engine";
import { engineFor, isMediaSourceMissing, manifestFor, type Engine, type EngineName } from "./engine";
import { playHls } from "./hls_engine";
import { byId } from "./markup";
import { drawFigures, drawLegend, drawRows } from "./panel";
import { Session } from "./session";
import { drawStrip } from "./strip_chart";
import { drawTitles, fetchTitles } from "./titles";

const REFRESH_MS = 250;
const PLAY = { hls: playHls, dash: playDash };

declare global {
  interface Window {
    penstock: { state(): Session["state"] };
  }
}

async function open(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const source = query.get("src");
  if (!source) return drawTitles(await fetchTitles());
  const address = new URL(source, location.href).href;
  const wished = query.get("engine");
  const engine = wished === "hls" || wished === "dash" ? wished : engineFor(address);
  watch(manifestFor(address, engine), engine);
}

function watch(manifestUrl: string, engineName: EngineName): void {
  if (isMediaSourceMissing()) {
    throw new Error("This browser has no Media Source Extensions: open the manifest in VLC, or this page elsewhere.");
  }
  const video = byId<HTMLVideoElement>("video");
  const session = new Session(engineName, video);
  window.penstock = { state: () => session.state };
  // A browser may forbid to start with sound: then the viewer presses play.
  video.addEventListener("canplay", () => void video.play().catch(() => {}), { once: true });
  drawHeading(manifestUrl);
  linkEngines(manifestUrl, engineName);
  linkManifest(manifestUrl);
  drawLegend();
  byId("watch").hidden = false;
  const engine = PLAY[engineName](video, manifestUrl, session);
  onLevelChosen((level) => engine.choose(level));
  setInterval(() => refresh(session, engine, video), REFRESH_MS);
}

function refresh(session: Session, engine: Engine, video: HTMLVideoElement): void {
  session.sample(performance.now());
  if (session.error) showError(session.error);
  drawFigures(session, engine, video);
  drawLevels(session.ladder);
  drawStrip(byId("strip"), session);
  drawRows(session);
}

function showError(message: string): void {
  const line = byId("error");
  line.hidden = false;
  // Unchanged text is left alone, so that a screen reader says it once.
  if (line.textContent !== message) line.textContent = message;
}

// dash.js measures with the same list; the default of 250 entries ends after a few minutes.
performance.setResourceTimingBufferSize(20_000);
open().catch((reason: unknown) => showError(reason instanceof Error ? reason.message : String(reason)));
