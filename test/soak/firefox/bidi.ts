// Starts Firefox without a window on a profile of its own and speaks WebDriver BiDi with it (W3C, WebDriver BiDi): one
// session, one tab, addresses and expressions. Firefox and its profile go with `close`.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';

interface Reply {
  readonly id?: number;
  readonly type?: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly message?: string;
}

/** Milliseconds for Firefox to say where it listens. */
const START_MS = 60_000;

/** Waits for the line by which Firefox says where it listens. */
function listening(firefox: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('Firefox did not say where it listens.')), START_MS);
    let said = '';
    firefox.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const address = /WebDriver BiDi listening on (ws:\/\/\S+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
    firefox.once('error', reject);
    firefox.once('exit', (code) => reject(new Error(`Firefox ended with code ${code}: ${said.slice(-500)}`)));
  });
}

/** A Firefox with one tab. */
export class Firefox {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #last = 0;
  #tab = '';

  private constructor(process: ChildProcess, profile: string, socket: WebSocket) {
    this.#process = process;
    this.#profile = profile;
    this.#socket = socket;
    socket.on('message', (data) => {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.id === undefined) return;
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
  }

  /** Starts `binary`. */
  static async start(binary: string): Promise<Firefox> {
    const profile = mkdtempSync(join(tmpdir(), 'look-back-firefox-'));
    const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0'];
    const child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      const socket = new WebSocket(`${await listening(child)}/session`);
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      const firefox = new Firefox(child, profile, socket);
      await firefox.#send('session.new', { capabilities: {} });
      const { contexts } = (await firefox.#send('browsingContext.getTree', {})) as {
        contexts: { context: string }[];
      };
      firefox.#tab = contexts[0]?.context ?? '';
      return firefox;
    } catch (error) {
      child.kill('SIGKILL');
      rmSync(profile, { recursive: true, force: true });
      throw error;
    }
  }

  #send(method: string, params: unknown): Promise<unknown> {
    this.#last++;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (reply) => {
        if (reply.type === 'success') resolve(reply.result);
        else reject(new Error(`${method}: ${reply.error}: ${reply.message}`));
      });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /** Opens an address, and waits until it has loaded. */
  async open(url: string): Promise<void> {
    await this.#send('browsingContext.navigate', { context: this.#tab, url, wait: 'complete' });
  }

  /** The value of an expression in the page, as JSON carries it. */
  async value(expression: string): Promise<unknown> {
    const reply = (await this.#send('script.evaluate', {
      expression: `JSON.stringify(${expression}) ?? 'null'`,
      target: { context: this.#tab },
      awaitPromise: true,
    })) as { type: string; result?: { value: string }; exceptionDetails?: { text: string } };
    if (reply.type !== 'success') throw new Error(`${expression}: ${reply.exceptionDetails?.text}`);
    return JSON.parse(reply.result?.value ?? 'null');
  }

  /** Waits until an expression is true. @throws Error that says which never was */
  async until(expression: string, milliseconds = 60_000): Promise<void> {
    const end = Date.now() + milliseconds;
    while ((await this.value(`Boolean(${expression})`)) !== true) {
      if (Date.now() > end) throw new Error(`Firefox never came to: ${expression}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  /** Ends Firefox and removes its profile. */
  async close(): Promise<void> {
    await this.#send('browser.close', {}).catch(() => undefined);
    this.#socket.close();
    const gone = new Promise((done) => this.#process.once('exit', done));
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 10_000);
    if (this.#process.exitCode === null) await gone;
    clearTimeout(timer);
    rmSync(this.#profile, { recursive: true, force: true });
  }
}
