// What the page asks of hls.js and dash.js, and what they tell it: the same words for both.

export type EngineName = "hls" | "dash";

export interface Level {
  height_px: number;
  peak_bps: number; // as announced: BANDWIDTH, or @bandwidth
}

/** One answered request for a media segment. */
export interface Segment {
  kind: "video" | "audio";
  number: number;
  level: number | null; // index into the levels; null for audio
  start_s: number;
  duration_s: number;
  url: string;
  status: number;
  bytes: number;
  ms: number; // from the request to the last byte
  cacheStatus: string | null; // null: absent, or hidden by CORS
  age_s: number | null;
}

export interface Listener {
  levels(levels: Level[]): void; // from low to high
  loaded(segment: Segment): void;
  failed(message: string): void; // playback cannot go on
}

export interface Engine {
  choose(level: number | null): void; // null: the engine chooses
  throughput_bps(): number | null;
}

export function isMediaSourceMissing(): boolean {
  return !("MediaSource" in window || "ManagedMediaSource" in window);
}

/** Whether a manifest is HLS or DASH, by the end of its path. */
export function engineFor(manifestUrl: string): EngineName {
  return new URL(manifestUrl).pathname.endsWith(".mpd") ? "dash" : "hls";
}

/** The manifest of the same title for `engine`: both lie in one folder. */
export function manifestFor(manifestUrl: string, engine: EngineName): string {
  if (engineFor(manifestUrl) === engine) return manifestUrl;
  return new URL(engine === "hls" ? "master.m3u8" : "manifest.mpd", manifestUrl).href;
}

/** One line for a request that failed; status 0 is what the browser shows of a refusal or of missing CORS. */
export function requestFailure(url: string, status: number): string {
  if (status === 0) {
    const { host } = new URL(url);
    return `No answer from ${host} for ${url}: is it running, and does it allow this page (CORS)?`;
  }
  if (status === 404) return `404 for ${url}: it is not there, or was replaced. Choose it anew from all titles.`;
  return `${status} for ${url}: the server's log says why.`;
}
