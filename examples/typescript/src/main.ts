// Declares scanning of one registry and waits until AWS has it: node src/main.ts URL ACCOUNT
import { Condition_Status } from "../gen/ecrkeeper/v1/common_pb.js";
import { RegistryScanningConfiguration_ScanType as ScanType } from "../gen/ecrkeeper/v1/settings_pb.js";
import { connect, reasonOf, watchRegistries } from "./client.ts";

const [url, account] = process.argv.slice(2);
if (!url || !account) throw new Error("usage: node src/main.ts URL ACCOUNT");

const client = connect(url);
const name = `accounts/${account}/registries/us-east-1`;
try {
  await client.registries.createRegistrySettings({
    parent: name,
    registrySettingsId: "example",
    registrySettings: { settings: { scanningConfiguration: { scanType: ScanType.ENHANCED } } },
  });
} catch (error) {
  if (reasonOf(error) !== "ALREADY_EXISTS") throw error;
}
const waiting = new AbortController();
for await (const changed of watchRegistries(client, `accounts/${account}`, waiting.signal)) {
  if (changed !== name) continue;
  const registry = await client.registries.getRegistry({ name });
  if (registry.conditions.some((each) => each.type === "Ready" && each.status === Condition_Status.TRUE)) {
    console.log(`${name} is ready, version ${registry.etag}`);
    waiting.abort();
  }
}
