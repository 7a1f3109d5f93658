// Cache-Status (RFC 9211): which caches a response came through and what each did. A structured-field List
// (RFC 9651): each cache appends a member, so the last is the nearest to the player.

/** What the nearest cache did, or "browser": this browser's own cache answered and nothing was sent. */
export type Outcome = "hit" | "revalidated" | "stale" | "miss" | "browser" | "unknown";

export interface Tier {
  name: string;
  outcome: Outcome;
  isCollapsed: boolean; // waited for a fetch that another viewer had begun
  member: string; // as it stood in the header
}

/** The tiers that a response passed, the nearest to the player first. */
export function tiers(header: string | null): Tier[] {
  return split(header ?? "", ",").filter(Boolean).map(tier).reverse();
}

function tier(member: string): Tier {
  const [name = "", ...rest] = split(member, ";");
  const parameters = new Map(rest.map(parameter));
  return {
    name: unquote(name),
    outcome: outcome(parameters),
    isCollapsed: parameters.has("collapsed") && parameters.get("collapsed") !== "?0",
    member,
  };
}

/** RFC 9211, 2: `hit` with a negative ttl (2.4) is stale; `fwd=stale` answered by 304 (2.3) is revalidated. */
function outcome(parameters: Map<string, string>): Outcome {
  if (parameters.has("hit") && parameters.get("hit") !== "?0") {
    return Number(parameters.get("ttl") ?? 0) < 0 ? "stale" : "hit";
  }
  if (!parameters.has("fwd")) return "unknown";
  return parameters.get("fwd-status") === "304" ? "revalidated" : "miss";
}

function parameter(text: string): [string, string] {
  const [key = "", value = "?1"] = text.split(/=(.*)/s, 2);
  return [key.trim(), unquote(value.trim())];
}

/** Splits at `mark` where it stands outside a quoted string. */
function split(text: string, mark: "," | ";"): string[] {
  const quoted = /"(?:[^"\\]|\\.)*"|[^"]/gs;
  const parts = [""];
  for (const [piece] of text.matchAll(quoted)) {
    if (piece === mark) parts.push("");
    else parts[parts.length - 1] += piece;
  }
  return parts.map((part) => part.trim());
}

function unquote(item: string): string {
  return item.startsWith('"') ? item.slice(1, -1).replace(/\\(.)/gs, "$1") : item;
}
