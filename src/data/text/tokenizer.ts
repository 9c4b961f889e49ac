// Turns text into token ids and back for any Hugging Face tokenizer.json, through transformers.js, and adds what that
// library lacks: character offsets, decoding of a growing sequence (stream_decoder.ts), and texts whose control tokens are
// plain text. It takes parsed JSON, so it works in a Worker and in Node alike.
import { PreTrainedTokenizer } from '@huggingface/transformers';
import { LookBackError, ModelError } from '../../lib/errors';
import { type AddedToken, ControlTokens, isControl, wellFormed } from './control_tokens';
import {
  ByteStreamDecoder,
  isByteLevel,
  type StreamDecoder,
  tokenBytes,
  WindowStreamDecoder,
} from './stream_decoder';
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

interface DecodeOptions {
  /** Leave out tokens marked special (default false). */
  readonly skipSpecialTokens?: boolean;
}

/** A loaded tokenizer. */
export interface Tokenizer {
  /** Largest id + 1. */
  readonly size: number;
  readonly specialIds: ReadonlySet<number>;
  /** Ids of a text that we wrote ourselves: control tokens in it are recognised, none are added. */
  encode(text: string): number[];
  /** Ids of a text that somebody typed: control tokens spelled in it are plain text, whatever they look like. */
  encodePlain(text: string): number[];
  /**
   * A conversation rendered by the model's template, and its ids. Control tokens are those of the template alone;
   * their spelling in a message is plain text. Throws ModelError `model/chat-template`.
   */
  encodeChat(messages: readonly ChatMessage[], options?: ChatOptions): { text: string; ids: number[] };
  /**
   * The words into which a typed text is cut before it is looked up, normalised (pocket: in lower case), each with
   * whether the vocabulary covers it. Empty for a tokenizer that spells unknown words letter by letter or in bytes.
   */
  lookUpWords(text: string): { readonly word: string; readonly known: boolean }[];
  /** Every token as the vocabulary spells it, in order of id; ids without a token are left out. */
  vocabulary(): string[];
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

const ENCODER = new TextEncoder();

class LibraryTokenizer implements Tokenizer {
  readonly size: number;
  readonly specialIds: ReadonlySet<number>;
  private readonly inner: PreTrainedTokenizer;
  private readonly tokens: readonly (string | undefined)[];
  private readonly byteLevel: boolean;
  private readonly continuing: string;
  private readonly template: string | undefined;
  private readonly addedIds: ReadonlyMap<string, number>;
  private readonly control: ControlTokens;
  /** The same tokenizer, for which a control token is one only where it is marked. */
  private readonly marked: PreTrainedTokenizer;

  constructor(inner: PreTrainedTokenizer, json: TokenizerJson, template: string | undefined) {
    this.inner = inner;
    this.template = template;
    const tokens: (string | undefined)[] = [];
    for (const [token, id] of inner.get_vocab()) tokens[id] = token;
    const added = json.added_tokens ?? [];
    for (const { id, content } of added) tokens[id] = content;
    const special = new Set(added.flatMap((entry) => (entry.special ? [entry.id] : [])));
    this.tokens = tokens;
    this.addedIds = new Map(added.map(({ id, content }) => [content, id]));
    this.control = new ControlTokens(added.filter(isControl));
    this.marked = markedTokenizer(inner, json);
    this.size = tokens.length;
    this.specialIds = special;
    this.byteLevel = isByteLevel(json.decoder);
    this.continuing = json.model?.continuing_subword_prefix ?? '';
  }

  encode(text: string): number[] {
    if (text === '') return [];
    return this.inner.encode(text, { add_special_tokens: false });
  }

  encodePlain(text: string): number[] {
    if (text === '') return [];
    return this.marked.encode(wellFormed(text), { add_special_tokens: false });
  }

  encodeChat(messages: readonly ChatMessage[], options: ChatOptions = {}): { text: string; ids: number[] } {
    const guard = (text: string): string => this.control.guard(text);
    const guarded = messages.map(({ role, content }) => ({
      role,
      content:
        typeof content === 'string'
          ? guard(content)
          : content.map((part) => (part.type === 'text' ? { ...part, text: guard(part.text) } : part)),
    }));
    const marked = this.control.mark(this.renderChat(guarded, options));
    const ids = marked === '' ? [] : this.marked.encode(marked, { add_special_tokens: false });
    return { text: ControlTokens.unmark(marked), ids };
  }

  lookUpWords(text: string): { readonly word: string; readonly known: boolean }[] {
    const { model, pre_tokenizer: cut } = this.inner._tokenizer;
    const unknown = model?.unk_token;
    if (this.byteLevel || !unknown) return [];
    const lookUp = model as unknown as (words: readonly string[]) => string[];
    const normalized = this.normalize(wellFormed(text));
    const words = (cut as unknown as ((input: string) => string[]) | null)?.(normalized) ?? [normalized];
    return words
      .filter((word) => word.trim() !== '')
      .map((word) => ({ word, known: !lookUp([word]).includes(unknown) }));
  }

  vocabulary(): string[] {
    return this.tokens.filter((token) => token !== undefined);
  }

  encodeWithOffsets(text: string): Encoding {
    const ids = this.encode(text);
    const offsets: [number, number][] = [];
    let cursor = 0;
    for (let first = 0; first < ids.length; ) {
      // Between added tokens the text is normalised section by section, as the library does.
      const token = this.tokens[ids[first] ?? -1] ?? '';
      if (this.addedIds.has(token)) {
        const start = Math.max(cursor, text.indexOf(token, cursor));
        offsets.push([start, start + token.length]);
        cursor = start + token.length;
        first += 1;
        continue;
      }
      let last = first;
      while (last < ids.length && !this.addedIds.has(this.tokens[ids[last] ?? -1] ?? '')) last += 1;
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
    const added = this.addedIds.get(token);
    if (added !== undefined) return added;
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
  readonly added_tokens?: readonly AddedToken[];
  readonly decoder?: unknown;
  readonly model?: { readonly continuing_subword_prefix?: string };
}

/**
 * A tokenizer over the vocabulary of `inner` that knows control tokens by their marked spelling alone. The vocabulary
 * must not find them either, for a model of whole words looks up what it is given: they are taken out of it, which
 * `inner` does not notice, because it looks for added tokens before it asks the vocabulary.
 */
function markedTokenizer(inner: PreTrainedTokenizer, json: TokenizerJson): PreTrainedTokenizer {
  const added = (json.added_tokens ?? []).map((token) =>
    isControl(token) ? { ...token, content: ControlTokens.marked(token.content) } : token,
  );
  const model = { type: 'WordPiece', vocab: {}, unk_token: '', continuing_subword_prefix: '' };
  const marked = new PreTrainedTokenizer({ ...json, model, added_tokens: added }, inner.config);
  const vocabulary = inner._tokenizer.model;
  for (const token of json.added_tokens ?? []) {
    const isUnknown = token.content === vocabulary?.unk_token;
    if (isControl(token) && !isUnknown) vocabulary?.tokens_to_ids.delete(token.content);
  }
  marked._tokenizer.model = vocabulary;
  return marked;
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
