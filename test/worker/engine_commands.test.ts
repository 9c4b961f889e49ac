// All commands in one object: what the client forwards is there, arguments arrive, and errors cross as plain objects.
import { describe, expect, it } from 'vitest';
import { LookBackError } from '../../src/lib/errors';
import { Engine, type EngineParts } from '../../src/services/answers/engine';
import { COMMAND_NAMES } from '../../src/worker/client';
import { allCommands, type CommandHosts } from '../../src/worker/engine_commands';

function commandsOf(hosts: object) {
  const parts = { registry: { list: async () => [] }, now: () => 0 } as unknown as EngineParts;
  const one = hosts as never;
  const all: CommandHosts = { training: one, adapters: one, datasets: one, usage: one };
  return allCommands(new Engine(parts), all);
}

describe('allCommands', () => {
  it('serves every command that the page forwards, and connect', () => {
    expect(Object.keys(commandsOf({})).sort()).toEqual(['connect', ...COMMAND_NAMES].sort());
  });

  it('passes arguments on, bound to the host', async () => {
    const host = {
      prefix: 'run ',
      async readRun(id: string) {
        return this.prefix + id;
      },
    };
    expect(await commandsOf(host).readRun('7')).toBe('run 7');
    expect(await commandsOf({}).listModels()).toEqual([]);
  });

  it('turns errors into plain objects, once', async () => {
    const host = {
      listRuns: async () => {
        throw new LookBackError('train/busy', 'wait', { where: 'here' });
      },
      listAdapters: () => {
        throw new TypeError('sync');
      },
    };
    const commands = commandsOf(host);
    await expect(commands.listRuns()).rejects.toEqual({
      code: 'train/busy',
      message: 'wait',
      data: { where: 'here' },
    });
    await expect(commands.listAdapters()).rejects.toEqual({ code: 'internal/unknown', message: 'sync' });
    // The engine's own errors are plain already.
    await expect(commands.generate({} as never)).rejects.toMatchObject({ code: 'engine/state' });
  });
});
