// Bundles src/ into dist/: everything that the page needs, and the licences of the libraries inside.
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";

/** The licence files of every package that ends up in the bundle; dist carries them along. */
async function licences() {
  const { packages } = JSON.parse(await readFile("package-lock.json", "utf8"));
  const bundled = Object.keys(packages).filter((folder) => folder && !packages[folder].dev);
  return (await Promise.all(bundled.sort().map(licence))).join(`\n${"=".repeat(80)}\n\n`);
}

async function licence(folder) {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  const texts = await Promise.all(files.map((file) => readFile(`${folder}/${file}`, "utf8")));
  return `${name} ${version} (${license})\n\n${texts.join("\n")}`;
}

await rm("dist", { recursive: true, force: true });
await mkdir("dist");
await build({
  entryPoints: ["src/player.ts", "src/player.css"],
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "none", // they are whole in licences.txt
  logLevel: "error",
});
await cp("src/index.html", "dist/index.html");
await writeFile("dist/licences.txt", await licences());
