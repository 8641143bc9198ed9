import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";
import words from "./src/generated/words.json" with { type: "json" };

// The first answer of either tab, offline: the default nets, guards, lung net and examples. Other nets are kept once they were used.
const first = Object.values(words.domains).flatMap(({ models, guard, lungs, examples }) => {
  const { files } = words.models[models[0] as keyof typeof words.models];
  return [files!.net, files!.preprocess, guard!.file, ...(lungs ? [lungs.file] : []), ...examples.flatMap(({ file, thumbnail }) => [file, thumbnail])];
});

/** Writes which files the service worker keeps, and a version that changes with them, into its script. */
function precache(): Plugin {
  return {
    name: "precache",
    generateBundle(_, bundle) {
      const built = Object.keys(bundle).filter((name) => !/asyncify|\.map$|^sw\.js$/.test(name));
      const icons = readdirSync("public").filter((name) => name.startsWith("icon"));
      const files = ["./", "manifest.webmanifest", ...icons, ...built.filter((name) => name !== "index.html"), ...first];
      const digest = createHash("sha256").update(files.join()).update(readFileSync("index.html")).digest("hex").slice(0, 12);
      const script = readFileSync("src/sw.js", "utf8");
      const source = script.replace('"FILES"', JSON.stringify(files)).replace("VERSION", digest);
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}

export default defineConfig({
  base: "./", // a Space, GitHub Pages and a folder on any server alike
  // onnxruntime's glue stays a file of its own: its threads start from it.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  worker: { format: "es" },
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 1000 },
  plugins: [precache()],
  server: { fs: { allow: [".."] } },
  preview: {
    headers: { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" },
  },
});
