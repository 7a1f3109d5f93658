// One viewing: what was loaded, what was seen, and the figures that follow from them.
import { tiers, type Outcome } from "./cache_status";
import type { EngineName, Level, Listener, Segment } from "./engine";

const ANSWERED_FROM_STORE: Outcome[] = ["hit", "revalidated", "stale"];

/** A segment with what the nearest cache did for it. */
export interface Delivered extends Segment {
  outcome: Outcome;
}

/** The buffer level at one position of the playhead. */
export interface Sample {
  position_s: number;
  buffer_s: number;
}

export class Session implements Listener {
  ladder: Level[] = [];
  level: number | null = null; // on the screen
  switches = 0;
  stalls = 0;
  stalled_ms = 0;
  error: string | null = null;
  readonly segments: Delivered[] = [];
  readonly samples: Sample[] = [];
  private stalledSince_ms: number | null = null;

  constructor(
    readonly engine: EngineName,
    private readonly video: HTMLVideoElement,
  ) {}

  levels(levels: Level[]): void {
    this.ladder = levels;
  }

  loaded(segment: Segment): void {
    this.segments.push({ ...segment, outcome: isFromBrowser(segment.url) ? "browser" : nearest(segment) });
  }

  failed(message: string): void {
    this.error ??= message;
  }

  /** Note where the playhead stands; called a few times a second. */
  sample(now_ms: number): void {
    const { currentTime: position_s } = this.video;
    this.noteStall(now_ms);
    this.noteLevel(this.levelAt(position_s));
    const last = this.samples.at(-1);
    const next = { position_s, buffer_s: bufferAhead(this.video) };
    if (last?.position_s !== next.position_s || last.buffer_s !== next.buffer_s) this.samples.push(next);
  }

  private noteLevel(level: number | null): void {
    if (this.level !== null && level !== null && this.level !== level) this.switches += 1;
    this.level = level ?? this.level;
  }

  private noteStall(now_ms: number): void {
    if (this.stalledSince_ms !== null) this.stalled_ms += now_ms - this.stalledSince_ms;
    const isStalled = isStarved(this.video);
    if (isStalled && this.stalledSince_ms === null) this.stalls += 1;
    this.stalledSince_ms = isStalled ? now_ms : null;
  }

  /** The share of segments that the nearest cache had in store; null while no cache has answered. */
  get hitRatio(): number | null {
    const cached = this.segments.filter(({ outcome }) => outcome !== "browser" && outcome !== "unknown");
    const hits = cached.filter(({ outcome }) => ANSWERED_FROM_STORE.includes(outcome));
    return cached.length ? hits.length / cached.length : null;
  }

  /** The level of the segment that covers `time_s`; one loaded later has replaced an earlier one in the buffer. */
  private levelAt(time_s: number): number | null {
    const covers = ({ kind, start_s, duration_s }: Segment) =>
      kind === "video" && start_s <= time_s && time_s < start_s + duration_s;
    return this.segments.findLast(covers)?.level ?? null;
  }

  /** What an automated test asks of the page. */
  get state() {
    return {
      engine: this.engine,
      level: this.level,
      levels: this.ladder,
      switches: this.switches,
      stalls: this.stalls,
      buffer_s: bufferAhead(this.video),
      position_s: this.video.currentTime,
      duration_s: this.video.duration,
      ended: this.video.ended,
      error: this.error,
      hitRatio: this.hitRatio,
      segments: this.segments,
    };
  }
}

/** Seconds that can be played from the playhead without another byte. */
export function bufferAhead({ buffered, currentTime }: HTMLVideoElement): number {
  for (let range = 0; range < buffered.length; range++) {
    // A frame's worth of gap at the start is bridged by the browser.
    const isHere = buffered.start(range) <= currentTime + 0.1 && currentTime < buffered.end(range);
    if (isHere) return buffered.end(range) - currentTime;
  }
  return 0;
}

/**
 * Whether a video that should be playing has nothing to play. The `waiting` event does not tell: browsers let the
 * sound go on over a frozen picture for a while.
 */
function isStarved(video: HTMLVideoElement): boolean {
  const isAtEnd = video.ended || video.currentTime > video.duration - 0.25;
  if (video.paused || video.seeking || isAtEnd || !video.played.length) return false;
  return video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA || bufferAhead(video) === 0;
}

function nearest({ cacheStatus }: Segment): Outcome {
  return tiers(cacheStatus)[0]?.outcome ?? "unknown";
}

/**
 * Whether the browser's own cache answered: its headers then tell of the first time, not of now. The browser says
 * so only where the server sent Timing-Allow-Origin; elsewhere all sizes read 0.
 */
function isFromBrowser(url: string): boolean {
  const timing = performance.getEntriesByName(url, "resource").at(-1) as PerformanceResourceTiming | undefined;
  return timing !== undefined && timing.transferSize === 0 && timing.decodedBodySize > 0;
}
