"""How much of the public suite for HTTP caches (http-tests/cache-tests) does the edge pass?

    python -m benchmarks.cache_tests FOLDER [--workers N] [--failed]

FOLDER is a checkout of the suite after `npm install --omit=dev` in it. The suite's own origin, client and
classification are used: a test whose prerequisite fails counts as failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.processes import free_port, running

_CLASSIFY = """
import fs from 'fs'
const [folder, file] = process.argv.slice(1)
const tests = (await import(folder + '/tests/index.mjs')).default
const { determineTestResult, resultTypes } = await import(folder + '/test-engine/lib/results.mjs')
const results = JSON.parse(fs.readFileSync(file))
const name = id => {
  const result = determineTestResult(tests, id, results)
  return Object.keys(resultTypes).find(key => resultTypes[key] === result)
}
const rows = tests.flatMap(suite => suite.tests).filter(test => !test.browser_only)
  .map(test => [test.id, test.kind ?? 'required', name(test.id), JSON.stringify(results[test.id])])
console.log(JSON.stringify(rows))
"""
_PASSED = ("pass", "yes")
Row = tuple[str, str, str, str]  # id, kind, result, what the client saw


def run_suite(folder: Path, *, workers: int, scratch: Path) -> list[Row]:
    """Every test's result. Raises CalledProcessError if the suite itself fails."""
    origin, edge = free_port(), free_port()
    settings = {"port": str(origin), "protocol": "http", "pidfile": str(scratch / "origin.pid"), "id": ""}
    settings["base"] = f"http://127.0.0.1:{edge}"
    env = os.environ | {f"npm_config_{key}": value for key, value in settings.items()}
    env |= {"npm_package_config_id": ""}
    serve = ["env", *[f"npm_config_{key}={value}" for key, value in settings.items()]]
    serve += ["node", "--no-warnings", str(folder / "test-engine/server/server.mjs")]
    cache = [sys.executable, "-m", "edge", "--upstream", f"http://127.0.0.1:{origin}"]
    cache += ["--listen", f"127.0.0.1:{edge}", "--workers", str(workers)]
    with (
        running(serve, core=1, port=origin, log=scratch / "origin.log"),
        running(cache, core=0, port=edge, log=scratch / "edge.log"),
    ):
        client = ["node", "--no-warnings", str(folder / "test-engine/cli.mjs")]
        said = subprocess.run(client, env=env, cwd=folder, check=True, capture_output=True, timeout=400)
    results = scratch / "results.json"
    results.write_bytes(said.stdout)
    classify = ["node", "--input-type=module", "-e", _CLASSIFY, str(folder), str(results)]
    rows = subprocess.run(classify, check=True, capture_output=True, text=True, timeout=60).stdout
    return [(row[0], row[1], row[2], row[3]) for row in json.loads(rows)]


def table(rows: list[Row]) -> str:
    """Passed of all, by kind, in Markdown."""
    lines = ["| kind | passed | of |", "| --- | --- | --- |"]
    for kind in ("required", "optimal", "check"):
        results = Counter(result in _PASSED for _, its_kind, result, _ in rows if its_kind == kind)
        lines.append(f"| {kind} | {results[True]} | {results.total()} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a checkout of http-tests/cache-tests")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--failed", action="store_true", help="also list what failed, and why")
    options = parser.parse_args()
    folder = options.folder.resolve()
    if not (folder / "node_modules").is_dir():
        sys.exit(f"cache_tests: {folder}: not a checkout with its packages; run npm install --omit=dev there")
    with tempfile.TemporaryDirectory(prefix="cache-tests-") as scratch:
        rows = run_suite(folder, workers=options.workers, scratch=Path(scratch))
    print(table(rows))
    if options.failed:
        for name, kind, result, why in rows:
            if result not in _PASSED:
                print(f"{kind:9} {result:16} {name}: {why}")


if __name__ == "__main__":
    main()
