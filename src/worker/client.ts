// The page's end of the engine: starts the Worker, sends commands through Comlink, receives facts through one port.
// Every promise that it hands out settles, also when the Worker dies, and every rejection is a PlainError.

import { type Endpoint, type Remote, transfer, wrap } from 'comlink';
import { Interruption } from '../lib/interruption';
import { type PlainError, plainError } from '../lib/plain_error';
import { everyCommand } from './commands';
import type {
  EngineCommands,
  EngineEvent,
  EventBatch,
  ExposedEngine,
  ProtocolVersion,
} from './protocol/messages';

const PROTOCOL_VERSION: ProtocolVersion = 5;

/** What the client needs of a Worker: a Comlink endpoint that may be ended. */
export interface EngineEndpoint extends Endpoint {
  terminate?(): void;
}

/** Commands and facts of one engine, restartable. */
export interface EngineClient extends EngineCommands {
  /** Subscribes to events, in the order in which the engine reports them; returns how to unsubscribe. */
  listen(listener: (events: readonly EngineEvent[]) => void): () => void;
  /** Starts the Worker and hands it the port; again after a crash. Rejects with `worker/crashed` or `worker/version`. */
  start(): Promise<void>;
}

interface Connection {
  readonly endpoint: EngineEndpoint;
  readonly commands: Remote<ExposedEngine>;
  readonly port: MessagePort;
  /** Ends with the Worker. */
  readonly death: Interruption;
}

// Comlink releases a proxy that is garbage-collected (its issue 692), so live ones are held here.
const LIVE = new Set<Connection>();

function crashMessage(event: Event): string {
  const message = (event as Partial<ErrorEvent>).message;
  return message
    ? `The engine stopped: ${message}`
    : 'The engine could not be started or stopped unexpectedly.';
}

function open(endpoint: EngineEndpoint, deliver: (events: readonly EngineEvent[]) => void): Connection {
  const channel = new MessageChannel();
  const death = new Interruption();
  channel.port1.onmessage = ({ data }: MessageEvent<EventBatch>) => deliver(data.events);
  const connection: Connection = {
    endpoint,
    commands: wrap<ExposedEngine>(endpoint),
    port: channel.port2,
    death,
  };
  const crashed = (event: Event) => {
    if (!LIVE.delete(connection)) return;
    const error: PlainError = { code: 'worker/crashed', message: crashMessage(event) };
    death.interrupt(error);
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

  async function call<T>(command: (commands: Remote<ExposedEngine>) => Promise<T>): Promise<T> {
    if (connection === null) throw { code: 'worker/crashed', message: 'The engine is not running.' };
    try {
      return await connection.death.until(command(connection.commands));
    } catch (thrown) {
      throw plainError(thrown);
    }
  }

  async function start(): Promise<void> {
    if (connection !== null) {
      LIVE.delete(connection);
      connection.death.interrupt({ code: 'worker/crashed', message: 'The engine was restarted.' });
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

  const forwarded = everyCommand((name, values) =>
    call((commands): Promise<unknown> => Reflect.apply(commands[name], undefined, values)),
  );
  return {
    ...forwarded,
    start,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
