// The table of commands: arguments arrive at the host that serves them, and errors cross as plain objects.
import { describe, expect, it } from 'vitest';
import { LookBackError } from '../../src/lib/errors';
import {
  COMMAND_NAMES,
  COMMANDS,
  type CommandHosts,
  type Hosts,
  serveCommands,
} from '../../src/worker/commands';

/** Every host is the same object, so that a test gives only the commands that it calls. */
function commandsOf(host: object, beforeError = () => undefined) {
  const hosts = Object.fromEntries(Object.values(COMMANDS).map((name): unknown[] => [name, host]));
  return serveCommands(hosts as CommandHosts, beforeError);
}

describe('serveCommands', () => {
  it('serves every command of the table', () => {
    expect(Object.keys(commandsOf({})).sort()).toEqual([...COMMAND_NAMES].sort());
  });

  it('passes arguments on, bound to the host', async () => {
    const host = {
      prefix: 'run ',
      async readRun(id: string) {
        return this.prefix + id;
      },
    };
    expect(await commandsOf(host).readRun('7')).toBe('run 7');
  });

  it('fetches a part that comes with its first command, and says why it did not come', async () => {
    let fetched = 0;
    const hosts = Object.fromEntries(
      Object.values(COMMANDS).map((name): unknown[] => [
        name,
        async () => {
          fetched++;
          if (fetched === 1) throw new TypeError('no connection');
          return { readColdStart: async () => null };
        },
      ]),
    );
    const commands = serveCommands(hosts as unknown as Hosts, () => undefined);
    await expect(commands.readColdStart()).rejects.toMatchObject({ message: 'no connection' });
    expect(await commands.readColdStart()).toBeNull();
  });

  it('turns errors into plain objects, after what led to them', async () => {
    const host = {
      listRuns: async () => {
        throw new LookBackError('train/busy', 'wait', { where: 'here' });
      },
      listAdapters: () => {
        throw new TypeError('sync');
      },
    };
    let told = 0;
    const commands = commandsOf(host, () => {
      told += 1;
      return undefined;
    });
    await expect(commands.listRuns()).rejects.toEqual({
      code: 'train/busy',
      message: 'wait',
      data: { where: 'here' },
    });
    await expect(commands.listAdapters()).rejects.toEqual({ code: 'internal/unknown', message: 'sync' });
    expect(told).toBe(2);
  });
});
