// The title list: /titles.json beside this page, as cards.
import type { EngineName } from "./engine";
import { clock } from "./format";
import { byId, html } from "./markup";

export interface Title {
  name: string;
  hls: string;
  dash: string;
  duration_s: number;
}

/** The titles offered; their manifests' addresses may be relative to the list. */
export async function fetchTitles(): Promise<Title[]> {
  const list = new URL("titles.json", location.href);
  const answer = await fetch(list).catch(() => null);
  if (!answer?.ok) {
    const why = answer ? `${answer.status} for` : "no answer for";
    throw new Error(`There is no list of titles (${why} ${list.pathname}): open this page with ?src=<manifest URL>.`);
  }
  const titles = (await answer.json().catch(() => {
    throw new Error(`${list.pathname} is not JSON: what serves this page has to serve the list of titles there.`);
  })) as Title[];
  const absolute = (url: string) => new URL(url, list).href;
  return titles.map((title) => ({ ...title, hls: absolute(title.hls), dash: absolute(title.dash) }));
}

export function drawTitles(titles: Title[]): void {
  if (!titles.length) throw new Error("There are no titles yet: penstock encode INPUT -o LIBRARY adds one.");
  byId("titles").replaceChildren(...titles.map(card));
  byId("titles").hidden = false;
}

function card(title: Title): HTMLLIElement {
  const play = (engine: EngineName, label: string) =>
    html("a", { href: `?${new URLSearchParams({ src: title[engine], engine })}`, "aria-label": `${title.name}: ${label}` }, label);
  return html(
    "li",
    { class: "card" },
    html("h2", {}, title.name),
    html("p", {}, clock(title.duration_s)),
    html("div", { class: "plays" }, play("hls", "HLS"), play("dash", "DASH")),
  );
}
