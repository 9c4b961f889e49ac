// The page's end of the engine: starts the Worker, sends commands through Comlink, receives facts through one port.
// Not a cache and not a state machine: it repeats what the engine says, and turns a dead Worker into a plain error.
// Invariant: every promise it hands out settles, also when the Worker dies; every rejection is a PlainError.

import { type Endpoint, type Remote, transfer, wrap } from 'comlink';
import type {
  EngineCommands,
  EngineEvent,
  EventBatch,
  LibraryCommands,
  PlainError,
  ProtocolVersion,
  TrainingCommands,
} from './protocol';

const PROTOCOL_VERSION: ProtocolVersion = 2;

/** What the client needs of a Worker: a Comlink endpoint that may be ended. */
export interface EngineEndpoint extends Endpoint {
  terminate?(): void;
}

/** The commands that the client forwards as they are, arguments by structured clone; `connect` is its own business. */
export type ForwardedCommands = Omit<EngineCommands, 'connect'> & TrainingCommands & LibraryCommands;

const FORWARDED: Readonly<Record<keyof ForwardedCommands, true>> = {
  listModels: true,
  load: true,
  generate: true,
  stop: true,
  cancelLoad: true,
  estimateTraining: true,
  startTraining: true,
  pauseTraining: true,
  resumeTraining: true,
  stepTraining: true,
  stopTraining: true,
  listRuns: true,
  readRun: true,
  deleteRun: true,
  exportRun: true,
  listAdapters: true,
  saveAdapter: true,
  renameAdapter: true,
  deleteAdapter: true,
  exportAdapter: true,
  importAdapter: true,
  previewDataset: true,
  keepDataset: true,
  listDatasets: true,
  readDatasetRow: true,
  addToDataset: true,
  deleteDataset: true,
  storageUsage: true,
};

/** Names of {@link ForwardedCommands}; the type checker sees to it that none is missing. */
export const COMMAND_NAMES = Object.keys(FORWARDED) as readonly (keyof ForwardedCommands)[];

/** Commands and facts of one engine, restartable. */
export interface EngineClient extends ForwardedCommands {
  /** Subscribes to events, in the order in which the engine reports them; returns how to unsubscribe. */
  listen(listener: (events: readonly EngineEvent[]) => void): () => void;
  /** Starts the Worker and hands it the port; again after a crash. Rejects with `worker/crashed` or `worker/version`. */
  start(): Promise<void>;
}

type AllCommands = EngineCommands & TrainingCommands & LibraryCommands;

interface Connection {
  readonly endpoint: EngineEndpoint;
  readonly commands: Remote<AllCommands>;
  readonly port: MessagePort;
  /** Rejects when the Worker dies; never resolves. */
  readonly death: Promise<never>;
  readonly die: (error: PlainError) => void;
}

// Comlink releases a proxy that is garbage-collected (its issue 692), so live ones are held here.
const LIVE = new Set<Connection>();

/** Turns whatever was thrown, here or across the seam, into a PlainError; the code is `internal/unknown` if none is known. */
export function toPlainError(thrown: unknown): PlainError {
  if (typeof thrown !== 'object' || thrown === null) {
    return { code: 'internal/unknown', message: String(thrown) };
  }
  const { code, message, data } = thrown as Partial<PlainError>;
  const text = typeof message === 'string' ? message : 'An unknown error was thrown.';
  if (typeof code !== 'string') return { code: 'internal/unknown', message: text };
  return data === undefined ? { code, message: text } : { code, message: text, data };
}

function crashMessage(event: Event): string {
  const message = (event as Partial<ErrorEvent>).message;
  return message
    ? `The engine stopped: ${message}`
    : 'The engine could not be started or stopped unexpectedly.';
}

function open(endpoint: EngineEndpoint, deliver: (events: readonly EngineEvent[]) => void): Connection {
  const channel = new MessageChannel();
  let die: (error: PlainError) => void = () => undefined;
  const death = new Promise<never>((_, reject) => {
    die = reject;
  });
  // A death that nobody is waiting for is told through the event, not as an unhandled rejection.
  death.catch(() => undefined);
  channel.port1.onmessage = ({ data }: MessageEvent<EventBatch>) => deliver(data.events);
  const connection: Connection = {
    endpoint,
    commands: wrap<AllCommands>(endpoint),
    port: channel.port2,
    death,
    die,
  };
  const crashed = (event: Event) => {
    if (!LIVE.delete(connection)) return;
    const error: PlainError = { code: 'worker/crashed', message: crashMessage(event) };
    die(error);
    deliver([{ type: 'failed', error }]);
  };
  endpoint.addEventListener('error', crashed as EventListener);
  endpoint.addEventListener('messageerror', crashed as EventListener);
  LIVE.add(connection);
  return connection;
}

/**
 * Makes a client whose engines are created by `spawn`, one at a time: nothing runs before {@link EngineClient.start}.
 * `spawn` makes a Worker on the page and a MessagePort in tests.
 */
export function createEngineClient(spawn: () => EngineEndpoint): EngineClient {
  const listeners = new Set<(events: readonly EngineEvent[]) => void>();
  let connection: Connection | null = null;
  const deliver = (events: readonly EngineEvent[]) => {
    for (const listener of listeners) listener(events);
  };

  async function call<T>(command: (commands: Remote<AllCommands>) => Promise<T>): Promise<T> {
    if (connection === null) throw { code: 'worker/crashed', message: 'The engine is not running.' };
    try {
      return await Promise.race([command(connection.commands), connection.death]);
    } catch (thrown) {
      throw toPlainError(thrown);
    }
  }

  async function start(): Promise<void> {
    if (connection !== null) {
      LIVE.delete(connection);
      connection.die({ code: 'worker/crashed', message: 'The engine was restarted.' });
      connection.endpoint.terminate?.();
    }
    const opened = open(spawn(), deliver);
    connection = opened;
    const port = opened.port;
    const { version } = await call((commands) => commands.connect(transfer(port, [port])));
    if (version !== PROTOCOL_VERSION) {
      throw {
        code: 'worker/version',
        message: `The engine speaks protocol ${version}, this page ${PROTOCOL_VERSION}: reload the page.`,
      };
    }
  }

  const forward =
    (name: keyof ForwardedCommands) =>
    (...values: unknown[]) =>
      call((commands) => (commands[name] as (...values: unknown[]) => Promise<unknown>)(...values));
  // `FORWARDED` has every name, so this object has every command.
  const forwarded = Object.fromEntries(
    COMMAND_NAMES.map((name) => [name, forward(name)]),
  ) as unknown as ForwardedCommands;
  return {
    ...forwarded,
    start,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
