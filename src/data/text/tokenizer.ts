// Text to token ids and back for any Hugging Face tokenizer.json, through transformers.js, plus what that library lacks:
// character offsets and decoding of a growing sequence. Not here: chat templates' image tokens (chat_template.ts).
// No files and no network: works in a Worker and in Node alike from parsed JSON.
// Invariant: text once returned by a StreamDecoder is final, and all its deltas joined equal decode() of all ids.
import { PreTrainedTokenizer } from '@huggingface/transformers';
import { LookBackError, ModelError } from '../../lib/errors';
import { alignNormalized } from './text_alignment';

/** Contents of a model folder's tokenizer files, parsed. */
export interface TokenizerFiles {
  readonly tokenizerJson: unknown;
  readonly tokenizerConfig: unknown;
  /** chat_template.jinja, where the template lies in a file of its own; overrides the config's. */
  readonly chatTemplate?: string;
}

/** Ids of a text with the characters that each stands for. */
export interface Encoding {
  readonly ids: number[];
  /** [start, end) per id, UTF-16 indices into the text; ids that share a character share its range. */
  readonly offsets: [number, number][];
}

/** One turn of a conversation in Hugging Face's message format. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string | readonly ChatPart[];
}

/** Part of a turn: text, or the place of an image. */
export type ChatPart = { readonly type: 'text'; readonly text: string } | { readonly type: 'image' };

/** Options of the template, named as transformers names them. */
export interface ChatOptions {
  /** End with the start of an assistant turn. */
  readonly addGenerationPrompt?: boolean;
  /** `Picture 1: ` before each image, in templates that know it. */
  readonly addVisionId?: boolean;
}

/** Turns ids into text as they arrive. */
export interface StreamDecoder {
  /** Text that became final with this id; '' while a character is incomplete or the id is skipped. */
  push(id: number): string;
  /** The rest: replacement characters for bytes that no longer can be completed. */
  end(): string;
}

interface DecodeOptions {
  /** Leave out tokens marked special (default false). */
  readonly skipSpecialTokens?: boolean;
}

/** A loaded tokenizer. */
export interface Tokenizer {
  /** Largest id + 1. */
  readonly size: number;
  readonly specialIds: ReadonlySet<number>;
  /** Ids of a text; special tokens written in it are recognised, none are added. */
  encode(text: string): number[];
  encodeWithOffsets(text: string): Encoding;
  decode(ids: readonly number[], options?: DecodeOptions): string;
  createStreamDecoder(options?: DecodeOptions): StreamDecoder;
  /** Id of a token as the vocabulary spells it, or null. */
  tokenId(token: string): number | null;
  /** The token as the vocabulary spells it, or null. */
  token(id: number): string | null;
  /** The model's own template applied. Throws ModelError `model/chat-template`. */
  renderChat(messages: readonly ChatMessage[], options?: ChatOptions): string;
}

/** GPT-2's printable stand-ins: the 256 bytes in the order of their code points. */
function byteAlphabet(): Map<string, number> {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const bytes = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++)
    bytes.set(String.fromCodePoint(printable(byte) ? byte : next++), byte);
  return bytes;
}

const BYTE_OF_CHAR = byteAlphabet();
const ENCODER = new TextEncoder();

/** Bytes of a byte-level token; a token with other characters stands for its own UTF-8. */
function tokenBytes(token: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(token.length);
  let count = 0;
  for (const char of token) {
    const byte = BYTE_OF_CHAR.get(char);
    if (byte === undefined) return ENCODER.encode(token);
    bytes[count++] = byte;
  }
  return bytes.slice(0, count);
}

/** Whether a decoder of tokenizer.json (possibly inside a Sequence) is ByteLevel. */
function isByteLevel(decoder: unknown): boolean {
  if (typeof decoder !== 'object' || decoder === null) return false;
  const { type, decoders } = decoder as { type?: unknown; decoders?: unknown };
  return type === 'ByteLevel' || (Array.isArray(decoders) && decoders.some(isByteLevel));
}

/** UTF-8 arrives in pieces: the platform's streaming decoder knows which characters are complete. */
class ByteStreamDecoder implements StreamDecoder {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly bytes: (id: number) => Uint8Array<ArrayBuffer>;

  constructor(bytes: (id: number) => Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
  }

  push(id: number): string {
    return this.decoder.decode(this.bytes(id), { stream: true });
  }

  end(): string {
    return this.decoder.decode();
  }
}

/**
 * Any other decoder: decodes a short window twice, with and without the new ids, and gives the difference. The window
 * starts at the last id whose text is final, so that rules about a first token (no leading space) never fire.
 */
class WindowStreamDecoder implements StreamDecoder {
  private context: number[] = [];
  private held: number[] = [];
  private readonly decode: (ids: readonly number[]) => string;
  private readonly skip: ReadonlySet<number>;

  constructor(decode: (ids: readonly number[]) => string, skip: ReadonlySet<number>) {
    this.decode = decode;
    this.skip = skip;
  }

  push(id: number): string {
    if (this.skip.has(id)) return '';
    this.held.push(id);
    const text = this.difference();
    // Byte-fallback tokens decode to replacement characters until their character is complete.
    return text.endsWith('\ufffd') && this.held.length < 4 ? '' : this.accept(text);
  }

  end(): string {
    return this.held.length === 0 ? '' : this.accept(this.difference());
  }

  private difference(): string {
    return this.decode([...this.context, ...this.held]).slice(this.decode(this.context).length);
  }

  private accept(text: string): string {
    this.context = this.held;
    this.held = [];
    return text;
  }
}

class LibraryTokenizer implements Tokenizer {
  readonly size: number;
  readonly specialIds: ReadonlySet<number>;
  private readonly inner: PreTrainedTokenizer;
  private readonly tokens: readonly (string | undefined)[];
  private readonly added: ReadonlySet<string>;
  private readonly byteLevel: boolean;
  private readonly continuing: string;
  private readonly template: string | undefined;

  constructor(inner: PreTrainedTokenizer, json: TokenizerJson, template: string | undefined) {
    this.inner = inner;
    this.template = template;
    const tokens: (string | undefined)[] = [];
    for (const [token, id] of inner.get_vocab()) tokens[id] = token;
    const added = new Set<string>();
    const special = new Set<number>();
    for (const entry of json.added_tokens ?? []) {
      tokens[entry.id] = entry.content;
      added.add(entry.content);
      if (entry.special) special.add(entry.id);
    }
    this.tokens = tokens;
    this.added = added;
    this.size = tokens.length;
    this.specialIds = special;
    this.byteLevel = isByteLevel(json.decoder);
    this.continuing = json.model?.continuing_subword_prefix ?? '';
  }

  encode(text: string): number[] {
    if (text === '') return [];
    return this.inner.encode(text, { add_special_tokens: false });
  }

  encodeWithOffsets(text: string): Encoding {
    const ids = this.encode(text);
    const offsets: [number, number][] = [];
    let cursor = 0;
    for (let first = 0; first < ids.length; ) {
      // Between added tokens the text is normalised section by section, as the library does.
      const token = this.tokens[ids[first] ?? -1] ?? '';
      if (this.added.has(token)) {
        const start = Math.max(cursor, text.indexOf(token, cursor));
        offsets.push([start, start + token.length]);
        cursor = start + token.length;
        first += 1;
        continue;
      }
      let last = first;
      while (last < ids.length && !this.added.has(this.tokens[ids[last] ?? -1] ?? '')) last += 1;
      const next = last < ids.length ? text.indexOf(this.tokens[ids[last] ?? -1] ?? '', cursor) : text.length;
      const end = next < 0 ? text.length : next;
      for (const [from, to] of this.sectionOffsets(text.slice(cursor, end), ids.slice(first, last))) {
        offsets.push([cursor + from, cursor + to]);
      }
      cursor = end;
      first = last;
    }
    return { ids, offsets };
  }

  private normalize(text: string): string {
    const normalizer = this.inner._tokenizer.normalizer;
    return normalizer === null ? text : (normalizer as unknown as (input: string) => string)(text);
  }

  private sectionOffsets(section: string, ids: readonly number[]): [number, number][] {
    const normalized = this.normalize(section);
    const source = alignNormalized(section, normalized, (part) => this.normalize(part));
    const ranges = this.byteLevel ? this.byteRanges(normalized, ids) : this.surfaceRanges(normalized, ids);
    return ranges.map(([from, to]) => {
      const [start] = source[Math.min(from, source.length - 1)] ?? [0, 0];
      const [, end] = source[Math.max(from, to - 1)] ?? [0, section.length];
      return [start, Math.max(start, end)];
    });
  }

  /** UTF-16 range of each byte-level token in the normalised text: every character that it holds a byte of. */
  private byteRanges(normalized: string, ids: readonly number[]): [number, number][] {
    const charOfByte: number[] = [];
    let at = 0;
    for (const char of normalized) {
      for (let i = ENCODER.encode(char).length; i > 0; i--) charOfByte.push(at);
      at += char.length;
    }
    charOfByte.push(at);
    let byte = 0;
    return ids.map((id) => {
      const length = tokenBytes(this.tokens[id] ?? '').length;
      const from = charOfByte[byte] ?? at;
      const lastChar = charOfByte[byte + length - 1] ?? from;
      byte += length;
      return [from, lastChar + ((normalized.codePointAt(lastChar) ?? 0) > 0xffff ? 2 : 1)];
    });
  }

  /** Word-like tokens: each is looked for from the end of the one before; an unknown one takes a word. */
  private surfaceRanges(normalized: string, ids: readonly number[]): [number, number][] {
    let cursor = 0;
    return ids.map((id) => {
      const token = this.tokens[id] ?? '';
      const surface =
        this.continuing && token.startsWith(this.continuing) ? token.slice(this.continuing.length) : token;
      while (/\s/.test(normalized[cursor] ?? '')) cursor += 1;
      const word = /^\S+/.exec(normalized.slice(cursor))?.[0] ?? '';
      const length = normalized.startsWith(surface, cursor) ? surface.length : word.length;
      cursor += length;
      return [cursor - length, cursor];
    });
  }

  decode(ids: readonly number[], options: DecodeOptions = {}): string {
    const kept = options.skipSpecialTokens ? ids.filter((id) => !this.specialIds.has(id)) : [...ids];
    if (kept.length === 0) return '';
    // The clean-up of spaces before punctuation would change text that was streamed already: never apply it.
    return this.inner.decode(kept, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }

  createStreamDecoder(options: DecodeOptions = {}): StreamDecoder {
    const skip = options.skipSpecialTokens ? this.specialIds : new Set<number>();
    if (!this.byteLevel) return new WindowStreamDecoder((ids) => this.decode(ids), skip);
    return new ByteStreamDecoder((id) =>
      skip.has(id) ? new Uint8Array(0) : tokenBytes(this.tokens[id] ?? ''),
    );
  }

  tokenId(token: string): number | null {
    const id = this.inner.convert_tokens_to_ids(token) as number | undefined;
    return id !== undefined && this.tokens[id] === token ? id : null;
  }

  token(id: number): string | null {
    return this.tokens[id] ?? null;
  }

  renderChat(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    const settings = {
      tokenize: false as const,
      add_generation_prompt: options.addGenerationPrompt ?? false,
      ...(this.template === undefined ? {} : { chat_template: this.template }),
      ...(options.addVisionId === undefined ? {} : { add_vision_id: options.addVisionId }),
    };
    try {
      type Messages = Parameters<PreTrainedTokenizer['apply_chat_template']>[0];
      return this.inner.apply_chat_template(messages as unknown as Messages, settings) as string;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ModelError('model/chat-template', `the model's chat template failed: ${reason}`, {}, error);
    }
  }
}

/** The parts of tokenizer.json that are read here, besides what the library reads. */
interface TokenizerJson {
  readonly added_tokens?: readonly {
    readonly id: number;
    readonly content: string;
    readonly special: boolean;
  }[];
  readonly decoder?: unknown;
  readonly model?: { readonly continuing_subword_prefix?: string };
}

/**
 * Builds a tokenizer from a model folder's parsed files.
 * Throws ModelError `model/tokenizer` when they do not describe one.
 */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
  const { tokenizerJson, tokenizerConfig, chatTemplate } = files;
  if (!isObject(tokenizerJson) || !isObject(tokenizerConfig)) {
    throw new ModelError('model/tokenizer', 'tokenizer.json and tokenizer_config.json must be JSON objects');
  }
  try {
    const inner = new PreTrainedTokenizer(tokenizerJson, tokenizerConfig);
    return new LibraryTokenizer(inner, tokenizerJson as TokenizerJson, chatTemplate);
  } catch (error) {
    if (error instanceof LookBackError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ModelError('model/tokenizer', `tokenizer.json cannot be used: ${reason}`, {}, error);
  }
}
