// The strip chart: above, the bitrate of each video segment in the colour of who answered; below, the buffer when
// the playhead was there. Both stand over the same axis, the position in the title.
import type { Outcome } from "./cache_status";
import { bitrate, clock, seconds } from "./format";
import { svg } from "./markup";
import type { Delivered, Sample, Session } from "./session";

const WINDOW_S = 120;
const BARS = { top_px: 18, height_px: 84 };
const BUFFER = { top_px: 126, height_px: 46 };
const AXIS_PX = 188;
const TIME_STEPS_S = [2, 5, 10, 15, 30];

interface Span {
  from_s: number;
  to_s: number;
  width_px: number;
}

export function drawStrip(chart: HTMLElement, session: Session): void {
  const { position_s, duration_s } = session.state;
  const span = spanAround(position_s, duration_s, chart.clientWidth);
  const bars = lastOfEach(session.segments).filter((bar) => isInside(span, bar.start_s));
  const samples = session.samples.filter((sample) => isInside(span, sample.position_s));
  const playhead_px = x(span, position_s);
  chart.setAttribute("aria-label", summary(session.segments));
  chart.setAttribute("viewBox", `0 0 ${span.width_px} ${AXIS_PX + 14}`);
  chart.replaceChildren(
    ...drawAxis(span),
    ...drawBars(span, bars),
    ...drawBuffer(span, samples),
    svg("line", { class: "playhead", x1: playhead_px, x2: playhead_px, y1: BARS.top_px, y2: AXIS_PX - 12 }),
  );
}

/** The whole title if it is short, else a window with the playhead in its middle. */
function spanAround(position_s: number, duration_s: number, width_px: number): Span {
  const end_s = Number.isFinite(duration_s) ? duration_s : position_s + WINDOW_S;
  const from_s = Math.max(0, Math.min(position_s - WINDOW_S / 2, end_s - WINDOW_S));
  return { from_s, to_s: Math.min(end_s, from_s + WINDOW_S), width_px: Math.max(width_px, 1) };
}

/** The video segments by number: one loaded anew, at another level, replaces the earlier. */
function lastOfEach(segments: Delivered[]): Delivered[] {
  const video = segments.filter(({ kind }) => kind === "video");
  return [...new Map(video.map((segment) => [segment.number, segment])).values()];
}

function isInside({ from_s, to_s }: Span, time_s: number): boolean {
  return from_s <= time_s && time_s <= to_s;
}

function x({ from_s, to_s, width_px }: Span, time_s: number): number {
  return to_s > from_s ? ((time_s - from_s) / (to_s - from_s)) * width_px : 0;
}

function drawAxis(span: Span): SVGElement[] {
  const labels = span.width_px / 60;
  const step_s = TIME_STEPS_S.find((step) => (span.to_s - span.from_s) / step <= labels) ?? 60;
  const marks: SVGElement[] = [
    svg("line", { class: "rule", x1: 0, x2: span.width_px, y1: base(BARS), y2: base(BARS) }),
    svg("line", { class: "rule", x1: 0, x2: span.width_px, y1: base(BUFFER), y2: base(BUFFER) }),
  ];
  for (let time_s = Math.ceil(span.from_s / step_s) * step_s; time_s <= span.to_s; time_s += step_s) {
    const left_px = x(span, time_s);
    const anchor = left_px < 12 ? "start" : left_px > span.width_px - 12 ? "end" : "middle";
    marks.push(svg("text", { x: left_px, y: AXIS_PX + 4, "text-anchor": anchor }, clock(time_s)));
  }
  return marks;
}

function drawBars(span: Span, bars: Delivered[]): SVGElement[] {
  const top_bps = Math.max(1, ...bars.map(bitrateOf));
  const rects = bars.map((bar) => {
    const height_px = (bitrateOf(bar) / top_bps) * BARS.height_px;
    const left_px = x(span, bar.start_s);
    const right_px = x(span, bar.start_s + bar.duration_s);
    const box = { x: left_px + 1, y: base(BARS) - height_px, width: Math.max(right_px - left_px - 2, 1), height: height_px };
    return svg("rect", { class: `outcome ${bar.outcome}`, ...box }, svg("title", {}, title(bar)));
  });
  const label = bars.length ? `Bitrate, up to ${bitrate(top_bps)}` : "Bitrate";
  return [svg("text", { x: 0, y: 10 }, label), ...rects];
}

function drawBuffer(span: Span, samples: Sample[]): SVGElement[] {
  const top_s = Math.max(1, ...samples.map(({ buffer_s }) => buffer_s));
  const steps = samples.map(({ position_s, buffer_s }, index) => {
    const before_s = samples[index - 1]?.position_s;
    const isSeek = before_s === undefined || Math.abs(position_s - before_s) > 2;
    const height_px = (buffer_s / top_s) * BUFFER.height_px;
    return `${isSeek ? "M" : "L"}${x(span, position_s).toFixed(1)} ${(base(BUFFER) - height_px).toFixed(1)}`;
  });
  return [
    svg("text", { x: 0, y: BUFFER.top_px - 8 }, `Buffer, up to ${seconds(top_s)}`),
    svg("path", { class: "buffer", d: steps.join("") }),
  ];
}

/** What a screen reader says instead of the drawing. */
function summary(segments: Delivered[]): string {
  const counts = new Map<Outcome, number>();
  for (const { outcome } of segments) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const parts = [...counts].map(([outcome, count]) => `${count} ${outcome}`);
  return `${segments.length} segments: ${parts.join(", ") || "none yet"}.`;
}

function title({ number, outcome, bytes, duration_s, ms }: Delivered): string {
  return `Segment ${number}: ${outcome}, ${bitrate((bytes * 8) / duration_s)}, loaded in ${Math.round(ms)} ms`;
}

function bitrateOf({ bytes, duration_s }: Delivered): number {
  return (bytes * 8) / duration_s;
}

function base({ top_px, height_px }: { top_px: number; height_px: number }): number {
  return top_px + height_px;
}
