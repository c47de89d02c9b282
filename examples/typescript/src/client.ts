// A client of ecrkeeper's HTTP port, for browsers and for Node.
import { createRegistry } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { file_ecrkeeper_v1_registry } from "../gen/ecrkeeper/v1/registry_pb.js";
import { RegistrySettingsService } from "../gen/ecrkeeper/v1/registry_settings_service_pb.js";
import { file_ecrkeeper_v1_role } from "../gen/ecrkeeper/v1/role_pb.js";
import { ServerService } from "../gen/ecrkeeper/v1/server_service_pb.js";
import { ErrorInfoSchema, file_google_rpc_error_details } from "../gen/google/rpc/error_details_pb.js";

// The types inside of google.protobuf.Any: details of stored errors, and responses of operations.
const registry = createRegistry(file_google_rpc_error_details, file_ecrkeeper_v1_registry, file_ecrkeeper_v1_role);

export interface Options {
  // Returns the current token; called before each call, because tokens expire.
  token?: () => string | Promise<string>;
  // Sends protobuf instead of JSON.
  binary?: boolean;
}

export interface Ecrkeeper {
  registries: Client<typeof RegistrySettingsService>;
  server: Client<typeof ServerService>;
}

// Returns clients of the services at the URL of a server's HTTP port.
export function connect(url: string, options: Options = {}): Ecrkeeper {
  const transport = createConnectTransport({
    baseUrl: url,
    useBinaryFormat: options.binary ?? false,
    jsonOptions: { registry },
    interceptors: options.token ? [authorized(options.token)] : [],
  });
  return {
    registries: createClient(RegistrySettingsService, transport),
    server: createClient(ServerService, transport),
  };
}

function authorized(token: () => string | Promise<string>): Interceptor {
  return (next) => async (request) => {
    request.header.set("Authorization", `Bearer ${await token()}`);
    return next(request);
  };
}

// Returns the reason of an error, which docs/errors.md explains; "" if it has none.
export function reasonOf(error: unknown): string {
  return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? "";
}

// Yields the names of registries as they change, until the signal; reconnects when a stream ends.
export async function* watchRegistries(client: Ecrkeeper, parent: string, signal: AbortSignal): AsyncGenerator<string> {
  while (!signal.aborted) {
    try {
      for await (const event of client.registries.watchRegistries({ parent }, { signal })) {
        if (event.registry) yield event.registry.name;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (ConnectError.from(error).code !== Code.Unavailable) throw error;
      await new Promise((resume) => setTimeout(resume, 1000 * Math.random()));
    }
  }
}
