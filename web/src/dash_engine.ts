// Plays DASH with dash.js.
import type { CommonMediaResponse } from "@svta/cml-request";
import { MediaPlayer, type MediaPlayerClass, type Representation } from "dashjs";
import { requestFailure, type Engine, type Listener, type Segment } from "./engine";

/** The part used here of dash.js's FragmentRequest, which travels with each response. */
interface FragmentRequest {
  type: string;
  mediaType: string;
  index: number; // counts from 0
  startTime: number;
  duration: number;
  representation: Representation;
}

/** An `error` event: its `data` has a response where a request failed for good. */
interface Failure {
  error: { message: string; data?: { response?: CommonMediaResponse } };
}

export function playDash(video: HTMLVideoElement, manifestUrl: string, listener: Listener): Engine {
  const player = MediaPlayer().create();
  // dash.js keeps the last bitrate in local storage; without it, each session starts alike.
  player.updateSettings({ streaming: { lastBitrateCachingInfo: { enabled: false } } });
  const ladder = () => player.getRepresentationsByType("video").toSorted((a, b) => a.bandwidth - b.bandwidth);
  const levelOf = (representation: Representation) => ladder().findIndex(({ id }) => id === representation.id);

  player.on("streamInitialized", () => {
    listener.levels(ladder().map(({ height, bandwidth }) => ({ height_px: height, peak_bps: bandwidth })));
  });
  player.on("error", ({ error }: Failure) => listener.failed(explain(error, manifestUrl)));
  // The event for a loaded fragment has no headers; an interceptor sees the whole response.
  player.addResponseInterceptor(async (response) => {
    const answered = segment(response, levelOf);
    if (answered) listener.loaded(answered);
    return response;
  });
  player.initialize(video, manifestUrl, false);
  return {
    choose: (level) => choose(player, level === null ? undefined : ladder()[level]),
    throughput_bps: () => player.getAverageThroughput("video") * 1000 || null,
  };
}

function choose(player: MediaPlayerClass, rung: Representation | undefined): void {
  player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: !rung } } } });
  if (rung) player.setRepresentationForTypeById("video", rung.id);
}

/** The request behind a response; null for what is no media segment, or was not answered with one. */
function segment(response: CommonMediaResponse, levelOf: (rung: Representation) => number): Segment | null {
  const { request } = response.request.customData as unknown as { request: FragmentRequest };
  const { type, mediaType, index, startTime, duration, representation } = request;
  const { status = 0, headers = {}, data, resourceTiming } = response;
  const isMedia = type === "MediaSegment" && (mediaType === "video" || mediaType === "audio");
  if (!isMedia || !(data instanceof ArrayBuffer) || status >= 400) return null;
  return {
    kind: mediaType,
    number: representation.startNumber + index,
    level: mediaType === "audio" ? null : levelOf(representation),
    start_s: startTime,
    duration_s: duration,
    url: response.url ?? response.request.url,
    status,
    bytes: data.byteLength,
    ms: resourceTiming?.duration ?? 0,
    cacheStatus: headers["cache-status"] ?? null,
    age_s: headers["age"] ? Number(headers["age"]) : null,
  };
}

function explain({ message, data }: Failure["error"], manifestUrl: string): string {
  if (data?.response) return requestFailure(data.response.request.url, data.response.status ?? 0);
  return `dash.js cannot play ${manifestUrl}: ${message.replace(/\.$/, "")}.`;
}
