// Serves the commands of saved looks: keeps an answer's trace, lists, renames, opens and deletes them. What a trace says is
// the page's business, which reads it as untrusted.

import { ArgumentError } from '../../lib/errors';
import type { TraceRecord } from '../../storage/records';
import type { TraceStore } from '../../storage/trace_store';
import type { TraceCommands, TraceFacts, TraceSummary } from '../../worker/protocol/library';

/** What the library of saved looks needs. */
export interface TraceLibraryParts {
  readonly traces: Pick<TraceStore, 'list' | 'put' | 'read' | 'update' | 'delete'>;
  /** Asks the browser not to clear what is stored. */
  persist(): Promise<unknown>;
  changed(): void;
  createId(): string;
  /** Milliseconds since 1970. */
  date(): number;
}

const MAX_NAME = 200;
/** The most that a trace may have which the page opens. */
const MAX_BYTES = 2 ** 26;

/** Saved looks of this origin. Its methods reject with LookBackErrors. */
export class TraceLibrary implements TraceCommands {
  readonly #parts: TraceLibraryParts;

  constructor(parts: TraceLibraryParts) {
    this.#parts = parts;
  }

  /** See TraceCommands. */
  async listTraces(): Promise<readonly TraceSummary[]> {
    return (await this.#parts.traces.list()).map(summaryOf);
  }

  /** See TraceCommands. */
  async keepTrace(file: Blob, { name, model, adapter, origin }: TraceFacts): Promise<TraceSummary> {
    if (file.size > MAX_BYTES)
      throw new ArgumentError(`A look of more than ${MAX_BYTES / 2 ** 20} MiB could not be opened again.`);
    const { traces, createId, date, persist, changed } = this.#parts;
    const words = name.trim().slice(0, MAX_NAME).trim();
    const now = date();
    const record = await traces.put(
      {
        ...{ id: createId(), name: words === '' ? 'Look' : words, model: model.slice(0, 300) },
        ...{ adapter: adapter?.slice(0, 300) ?? null, origin, createdAt: now, usedAt: now },
      },
      file,
    );
    await persist();
    changed();
    return summaryOf(record);
  }

  /** See TraceCommands. */
  async renameTrace(id: string, name: string): Promise<void> {
    const words = name.trim();
    if (words === '' || words.length > MAX_NAME)
      throw new ArgumentError(`A saved look needs a name of 1 to ${MAX_NAME} characters.`, { key: 'name' });
    await this.#parts.traces.update(id, { name: words });
    this.#parts.changed();
  }

  /** See TraceCommands. */
  async openTrace(id: string): Promise<Blob> {
    const file = await this.#parts.traces.read(id);
    await this.#parts.traces.update(id, { usedAt: this.#parts.date() });
    this.#parts.changed();
    return file;
  }

  /** See TraceCommands. */
  exportTrace(id: string): Promise<Blob> {
    return this.#parts.traces.read(id);
  }

  /** See TraceCommands. */
  async deleteTrace(id: string): Promise<number> {
    const freed = await this.#parts.traces.delete(id);
    this.#parts.changed();
    return freed;
  }
}

function summaryOf({
  id,
  name,
  model,
  adapter,
  origin,
  createdAt,
  usedAt,
  bytes,
}: TraceRecord): TraceSummary {
  return { id, name, model, adapter, origin, createdAt, usedAt, bytes };
}
