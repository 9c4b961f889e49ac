// Lets browser tests hold hubs that run in Node: over Vitest's commands, which carry plain data.

import { readdir, readFile } from 'node:fs/promises';
import type { BrowserCommand } from 'vitest/node';
import { type HubFault, startHub, type TestHub } from './hub_server.ts';

/** A repository: an id, and the folder below the project's root that it is made of. */
export interface HubModel {
  readonly id: string;
  readonly folder: string;
  /** Bytes of spaces in the header of model.safetensors, which make a file of several pieces out of a tiny one. */
  readonly padding?: number;
}

/** What comes in the way of the next requests for bytes of a file, in order; then nothing does. */
export interface PlannedFault {
  readonly path: string;
  /** Null lets one request pass. */
  readonly fault: HubFault | null;
}

const hubs = new Map<string, { hub: TestHub; planned: PlannedFault[] }>();

function padded(file: Buffer, padding: number): Uint8Array {
  const length = Number(file.readBigUInt64LE(0));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(length + padding));
  return Buffer.concat([
    size,
    file.subarray(8, 8 + length),
    Buffer.alloc(padding, ' '),
    file.subarray(8 + length),
  ]);
}

/** A model's files below the project's root. */
export async function readModel({ folder, padding = 0 }: HubModel): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (const { name } of (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile())) {
    const content = await readFile(`${folder}/${name}`);
    files[name] = name === 'model.safetensors' ? padded(content, padding) : content;
  }
  return files;
}

/** Starts a hub with these repositories. @returns its address */
export async function openModelHub(
  models: readonly HubModel[],
): Promise<TestHub & { planned: PlannedFault[] }> {
  const contents = await Promise.all(
    models.map(async (model) => [model.id, await readModel(model)] as const),
  );
  const hub = await startHub(Object.fromEntries(contents));
  const planned: PlannedFault[] = [];
  hub.fault = (path) => {
    const at = planned.findIndex((one) => one.path === path);
    return at < 0 ? null : (planned.splice(at, 1)[0]?.fault ?? null);
  };
  return Object.assign(hub, { planned });
}

const openHub: BrowserCommand<[models: readonly HubModel[]]> = async (_, models) => {
  const hub = await openModelHub(models);
  hubs.set(hub.endpoint.href, { hub, planned: hub.planned });
  return hub.endpoint.href;
};

const planFaults: BrowserCommand<[address: string, faults: readonly PlannedFault[]]> = async (
  _,
  address,
  faults,
) => {
  hubs.get(address)?.planned.push(...faults);
};

/** The requests since the last call. */
const hubRequests: BrowserCommand<[address: string]> = async (_, address) =>
  hubs.get(address)?.hub.requests.splice(0) ?? [];

const gateModel: BrowserCommand<[address: string, id: string, token: string]> = async (
  _,
  address,
  id,
  token,
) => {
  hubs.get(address)?.hub.gated.set(id, token);
};

const closeHub: BrowserCommand<[address: string]> = async (_, address) => {
  await hubs.get(address)?.hub.close();
  hubs.delete(address);
};

/** The commands, by name. */
export const HUB_COMMANDS = { openHub, planFaults, hubRequests, gateModel, closeHub };

declare module 'vitest/browser' {
  interface BrowserCommands {
    openHub(models: readonly HubModel[]): Promise<string>;
    planFaults(address: string, faults: readonly PlannedFault[]): Promise<void>;
    hubRequests(address: string): Promise<TestHub['requests']>;
    gateModel(address: string, id: string, token: string): Promise<void>;
    closeHub(address: string): Promise<void>;
  }
}
