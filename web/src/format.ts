// Figures as a viewer reads them.
import type { Level } from "./engine";

export function bitrate(bps: number): string {
  return bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mb/s` : `${Math.round(bps / 1e3)} kb/s`;
}

export function size(bytes: number): string {
  return bytes >= 1024 ** 2 ? `${(bytes / 1024 ** 2).toFixed(1)} MiB` : `${Math.ceil(bytes / 1024)} KiB`;
}

export function seconds(time_s: number): string {
  return `${time_s.toFixed(1)} s`;
}

export function clock(time_s: number): string {
  const whole_s = Math.round(time_s);
  const [hours, minutes] = [Math.floor(whole_s / 3600), Math.floor(whole_s / 60) % 60];
  const tail = String(whole_s % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function rung({ height_px, peak_bps }: Level): string {
  return `${height_px}p · ${bitrate(peak_bps)}`;
}
