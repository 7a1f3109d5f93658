// Plays HLS with hls.js.
import Hls, { ErrorTypes, Events, type ErrorData, type FragLoadedData } from "hls.js";
import { requestFailure, type Engine, type Listener, type Segment } from "./engine";

export function playHls(video: HTMLVideoElement, manifestUrl: string, listener: Listener): Engine {
  // fMP4 needs no remuxing, so there is nothing for a worker to do.
  const hls = new Hls({ enableWorker: false });
  hls.on(Events.MANIFEST_PARSED, (_, { levels }) =>
    listener.levels(levels.map(({ height, bitrate }) => ({ height_px: height, peak_bps: bitrate }))),
  );
  hls.on(Events.FRAG_LOADED, (_, loaded) => {
    const answered = segment(loaded);
    if (answered) listener.loaded(answered);
  });
  hls.on(Events.ERROR, (_, error) => {
    if (error.fatal) listener.failed(explain(error, manifestUrl));
  });
  hls.loadSource(manifestUrl);
  hls.attachMedia(video);
  return {
    choose: (level) => (hls.nextLevel = level ?? -1),
    throughput_bps: () => hls.bandwidthEstimate,
  };
}

/** The request behind a loaded fragment; null for what is no media segment. */
function segment({ frag, networkDetails }: FragLoadedData): Segment | null {
  if (typeof frag.sn !== "number" || frag.type === "subtitle") return null;
  const answer = networkDetails instanceof XMLHttpRequest ? networkDetails : null;
  const age = answer?.getResponseHeader("Age");
  return {
    kind: frag.type === "audio" ? "audio" : "video",
    number: frag.sn,
    level: frag.type === "audio" ? null : frag.level,
    start_s: frag.start,
    duration_s: frag.duration,
    url: frag.url,
    status: answer?.status ?? 0,
    bytes: frag.stats.total,
    ms: frag.stats.loading.end - frag.stats.loading.start,
    cacheStatus: answer?.getResponseHeader("Cache-Status") ?? null,
    age_s: age ? Number(age) : null,
  };
}

function explain({ type, details, error, response, frag, url }: ErrorData, manifestUrl: string): string {
  if (type === ErrorTypes.NETWORK_ERROR && response) {
    return requestFailure(frag?.url ?? url ?? manifestUrl, response.code ?? 0);
  }
  return `hls.js cannot play ${manifestUrl}: ${error.message} (${details}).`;
}
