// The browser: what CHROMIUM names, the system's, or the package that npm installed.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

export async function chromium() {
  if (process.env.CHROMIUM) return { executablePath: process.env.CHROMIUM, args: [] };
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    for (const name of NAMES)
      if (existsSync(join(folder, name))) return { executablePath: join(folder, name), args: [] };
  const packaged = await import("@sparticuz/chromium").catch(() => null);
  if (!packaged) return null;
  return { executablePath: await packaged.default.executablePath(), args: packaged.default.args };
}

if (process.argv[1] === import.meta.filename) process.exit((await chromium()) ? 0 : 1);
