// Calls a running server; `make test-web` starts it and sets ECRKEEPER_URL and ECRKEEPER_TOKEN.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema } from "../gen/google/rpc/error_details_pb.js";
import { RegistryScanningConfiguration_ScanType as ScanType } from "../gen/ecrkeeper/v1/settings_pb.js";
import { connect, reasonOf, watchRegistries } from "../src/client.ts";

const url = process.env["ECRKEEPER_URL"] ?? "";
const token = process.env["ECRKEEPER_TOKEN"] ?? "";

async function rejected(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => assert.fail("the call succeeded"),
    (error: unknown) => ConnectError.from(error),
  );
}

for (const binary of [false, true]) {
  const form = binary ? "binary" : "JSON";
  const client = connect(url, { token: () => token, binary });
  const account = binary ? "222222222222" : "333333333333";
  const name = `accounts/${account}/registries/eu-west-1`;
  const settings = { scanningConfiguration: { scanType: ScanType.ENHANCED } };

  test(`a declaration is created, read and deleted (${form})`, async () => {
    const created = await client.registries.createRegistrySettings({
      parent: name,
      registrySettingsId: "web",
      registrySettings: { settings },
    });
    assert.equal(created.name, `${name}/settings/web`);
    const found = await client.registries.getRegistrySettings({ name: created.name });
    assert.equal(found.etag, created.etag);
    assert.equal(found.settings?.scanningConfiguration?.scanType, ScanType.ENHANCED);
    assert.ok(found.createTime && found.createTime.seconds > 1_700_000_000n);
    await client.registries.deleteRegistrySettings({ name: created.name, etag: found.etag });
    const gone = await rejected(client.registries.getRegistrySettings({ name: created.name }));
    assert.equal(gone.code, Code.NotFound);
    assert.equal(reasonOf(gone), "NOT_FOUND");
  });

  test(`an error has its violations and the id of its call (${form})`, async () => {
    const error = await rejected(client.registries.getRegistry({ name: "x" }));
    assert.equal(error.code, Code.InvalidArgument);
    assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, "name");
    assert.match(error.metadata.get("trailer-x-request-id") ?? error.metadata.get("x-request-id") ?? "", /^[0-9a-f]{32}$/);
  });

  test(`a stream shows changes until it is aborted (${form})`, async () => {
    const end = new AbortController();
    const seen: string[] = [];
    const place = name.replace("eu-west-1", "eu-west-2");
    for await (const event of client.registries.watchRegistries({ parent: `accounts/${account}` }, { signal: end.signal })) {
      if (event.registry?.name === place) break;
      if (seen.length === 0) {
        await client.registries.createRegistrySettings({
          parent: place,
          registrySettingsId: "web",
          registrySettings: { settings },
        });
      }
      seen.push(event.registry?.name ?? "");
    }
    for await (const changed of watchRegistries(client, `accounts/${account}`, end.signal)) {
      if (changed === place) end.abort();
    }
    assert.ok(end.signal.aborted);
  });

  test(`a stream ends with its error (${form})`, async () => {
    const error = await rejected(client.registries.watchRegistries({ parent: "x" })[Symbol.asyncIterator]().next());
    assert.equal(error.code, Code.InvalidArgument);
    assert.equal(reasonOf(error), "INVALID_FIELDS");
  });

  test(`a deadline is kept (${form})`, async () => {
    const endless = client.registries.watchRegistries({ parent: `accounts/${account}` }, { timeoutMs: 500 });
    const error = await rejected(
      (async () => {
        for await (const event of endless) assert.ok(event);
      })(),
    );
    assert.equal(error.code, Code.DeadlineExceeded, String(error));
  });

  test(`a call without a token is rejected (${form})`, async () => {
    const error = await rejected(connect(url, { binary }).server.getServerInfo({}));
    assert.equal(error.code, Code.Unauthenticated);
    assert.equal(reasonOf(error), "MISSING_CREDENTIALS");
  });
}
