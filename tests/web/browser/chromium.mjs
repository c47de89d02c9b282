// The path of the browser: what CHROMIUM names, the system's, or the package that npm installed.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

export async function chromium() {
  const named = process.env.CHROMIUM;
  if (named && !existsSync(named)) throw new Error(`CHROMIUM names ${named}, which does not exist`);
  if (named) return named;
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    for (const name of NAMES)
      if (existsSync(join(folder, name))) return join(folder, name);
  // Not with the options of the package: one process for all pages ends with the first of them, and pages of other
  // sites might do what the tests look for.
  const packaged = await import("@sparticuz/chromium").catch(() => null);
  return packaged && (await packaged.default.executablePath());
}

if (process.argv[1] === import.meta.filename) process.exit((await chromium()) ? 0 : 1);
