// Answers questions with the loaded model: checks the request, decodes the pictures, applies the adapter, and reports the
// prompt, the tokens and their attention as they come.

import { gradeAnswer } from '../../answer/answer_grading';
import { attentionPhases } from '../../answer/attention_phases';
import type { TokenSpan } from '../../answer/token_spans';
import type { DecodedImage } from '../../data/image/picture_decoder';
import type { PromptImage } from '../../data/image/prompt_image';
import { tiledMaps } from '../../data/image/tile_map';
import type { ColourShares } from '../../data/world/colour_words';
import { readQuestion as readWorldQuestion } from '../../data/world/question_reader';
import { clearCells, truthOf } from '../../data/world/seen_colours';
import type { GeneratedAnswer } from '../../generation/generate';
import type { PlacedPicture, PreparedPrompt } from '../../generation/processor';
import { ArgumentError, DataError } from '../../lib/errors';
import { itemAt } from '../../lib/invariant';
import { samplingOf } from '../../lookback/reasoner';
import { ADAPTER_SETTINGS, GENERATION_SETTINGS } from '../../settings/generation_settings';
import { effectiveProblems, readerOf, throwProblems } from '../../settings/read_settings';
import type {
  AnswerCommands,
  GenerateRequest,
  GenerateResult,
  HeadAttention,
  HeadsRequest,
  PictureFact,
  PromptFact,
  QuestionReading,
  Segment,
} from '../../worker/protocol/answers';
import type { AdapterShelf } from './adapter_shelf';
import type { Engine, EngineModel, Loaded } from './engine';
import type { EventQueue } from './engine_events';
import { readQuestion } from './question_reading';
import { type SeenPicture, SeenPictures } from './seen_pictures';

/** What answering needs. */
export interface AnswerParts {
  readonly engine: Pick<Engine<EngineModel>, 'answering' | 'interlude' | 'loaded' | 'stopAnswering'>;
  readonly shelf: Pick<AdapterShelf, 'adapterFor'>;
  readonly events: EventQueue;
  decodeImage(file: Blob): Promise<DecodedImage>;
  /** Milliseconds on a clock that never runs backwards. */
  now(): number;
}

const MAX_QUESTION_CHARACTERS = 8000;
/** Turns of a conversation; the model's positions are used up long before. */
const MAX_EARLIER_TURNS = 100;

function checkAsked(request: Pick<GenerateRequest, 'images' | 'question' | 'earlier'>): void {
  const rules: readonly (readonly [boolean, string])[] = [
    [
      request.images.length > 0 && request.images.every((image) => image instanceof Blob),
      'images must be files, at least one',
    ],
    [request.question.trim() !== '', 'the question is empty'],
    [
      request.question.length <= MAX_QUESTION_CHARACTERS,
      `the question is longer than ${MAX_QUESTION_CHARACTERS} characters`,
    ],
    [
      (request.earlier ?? []).length <= MAX_EARLIER_TURNS,
      `the conversation has more than ${MAX_EARLIER_TURNS} turns; begin another`,
    ],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken !== undefined) throw new ArgumentError(`This cannot be asked: ${broken[1]}.`);
}

function checkRequest(request: GenerateRequest): void {
  checkAsked(request);
  const adapter = request.adapter === null ? {} : { 'adapter.strength': ADAPTER_SETTINGS.strength };
  throwProblems(effectiveProblems({ ...GENERATION_SETTINGS, ...adapter }, readerOf(request)));
}

function pictureFact(
  { grid, resizedWidth, resizedHeight }: PlacedPicture,
  { source, colours }: SeenPicture,
): PictureFact {
  const { sourceWidth, sourceHeight, notes } = source;
  const cells = colours === null ? null : clearCells(colours);
  return { grid, sourceWidth, sourceHeight, resizedWidth, resizedHeight, notes, cells };
}

function promptFact(prepared: PreparedPrompt, seen: readonly SeenPicture[], square: boolean): PromptFact {
  const { prompt, imageTokens, pictures } = prepared;
  return {
    promptTokens: prompt.inputIds.length,
    imageTokens,
    square,
    pictures: pictures.map((placed, at) => pictureFact(placed, itemAt(seen, at))),
  };
}

function plainSegments(answer: GeneratedAnswer): Segment[] {
  return answer.segments().map(({ text: _, ...segment }) => segment);
}

/** The prompt of a question with the turns before it. Throws ArgumentError for a model that knows single questions only. */
function prepareTurn(
  model: EngineModel,
  images: readonly PromptImage[],
  request: Pick<GenerateRequest, 'question' | 'mode' | 'earlier'>,
) {
  const { question: text, mode } = request;
  const earlier = (request.earlier ?? []).map((turn) => ({
    text: turn.question,
    mode: turn.mode,
    answer: turn.answer,
  }));
  const continues = earlier.length > 0;
  if (continues && !model.followsUp)
    throw new ArgumentError(
      'This model was trained on single questions: ask without the turns before, or load another model.',
    );
  return { prepared: model.prepareSeen({ images, text, mode, earlier }), continues };
}

/** Tokens that an answer may have. Throws DataError `data/prompt-length` where the prompt leaves no room. */
function answerLength(model: EngineModel, promptTokens: number, wanted: number | null): number {
  const room = model.maxTokens - promptTokens;
  if (room >= 1) return Math.min(wanted ?? model.prompts.maxNewTokens, room);
  const message = `The question takes ${promptTokens} tokens; the model has ${model.maxTokens}: shorten it, or ask about fewer pictures or with fewer image tokens.`;
  throw new DataError('data/prompt-length', message, { promptTokens });
}

/** Answers one question at a time. Its methods are the page's commands. */
export class AnswerHost implements AnswerCommands {
  readonly #parts: AnswerParts;
  readonly #pictures: SeenPictures;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.#pictures = new SeenPictures((file) => parts.decodeImage(file));
  }

  /** See AnswerCommands. */
  async readQuestion(text: string): Promise<QuestionReading | null> {
    const { loaded } = this.#parts.engine;
    if (loaded === undefined) return null;
    return readQuestion(loaded.model.processor.tokenizer, text.slice(0, MAX_QUESTION_CHARACTERS));
  }

  /** See AnswerCommands. */
  async generate(request: GenerateRequest): Promise<GenerateResult> {
    checkRequest(request);
    return this.#parts.engine.answering((loaded, signal) => this.#answer(loaded, request, signal));
  }

  /** See AnswerCommands. */
  async attendByHead(request: HeadsRequest): Promise<HeadAttention> {
    checkAsked(request);
    return this.#parts.engine.interlude((loaded, signal) => this.#lookAtHeads(loaded, request, signal));
  }

  /** See AnswerCommands. */
  async stop(): Promise<void> {
    this.#parts.engine.stopAnswering();
  }

  async #answer(loaded: Loaded, request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult> {
    const { model, gpu } = loaded;
    const began = this.#parts.now();
    const seen = await this.#pictures.see(request.images, model, request.maxImageTokens);
    const images = seen.map(({ image }) => image);
    const { prepared, continues } = prepareTurn(model, images, request);
    this.#parts.events.push({ type: 'promptReady', prompt: promptFact(prepared, seen, model.square) });
    const promptTokens = prepared.prompt.inputIds.length;
    const sampling = samplingOf(request, answerLength(model, promptTokens, request.maxNewTokens));
    await this.#apply(request.adapter, loaded);
    const capture = request.capture ? 'maps' : 'none';
    const begun = model.start({ prepared, sampling, continues }, { capture, signal });
    const { answer, events, reusedTokens } = await gpu.untilLost(begun);
    let first = 0;
    let last = began;
    for (;;) {
      const item = await gpu.untilLost(events.next());
      if (item.done) break;
      const event = item.value;
      if (event.type === 'attention') {
        this.#parts.events.pushAttention(event.step, event.shares, tiledMaps(event.map, prepared.pictures));
        continue;
      }
      last = this.#parts.now();
      if (event.step === 0) first = last;
      const { step, id, text } = event;
      const fact = { step, id, text, shares: null, map: null, atMs: last - began };
      this.#parts.events.pushToken(fact, () => plainSegments(answer));
    }
    // A model of the built-in world was asked about one picture.
    const result = this.#resultOf(answer, request, itemAt(seen, 0).colours, {
      promptTokens,
      reusedTokens: reusedTokens(),
      began,
      first,
      last,
    });
    this.#parts.events.push({ type: 'generationFinished', result, segments: plainSegments(answer) });
    // Facts and results travel on different ports: the facts get a head start.
    this.#parts.events.flush();
    await new Promise((resolve) => setTimeout(resolve, 0));
    return result;
  }

  async #lookAtHeads(loaded: Loaded, request: HeadsRequest, signal: AbortSignal): Promise<HeadAttention> {
    const { model, gpu } = loaded;
    const seen = await this.#pictures.see(request.images, model, request.maxImageTokens);
    const images = seen.map(({ image }) => image);
    const { prepared } = prepareTurn(model, images, request);
    await this.#apply(request.adapter, loaded);
    signal.throwIfAborted();
    const capture = await gpu.untilLost(model.captureHeads(prepared, request.ids, signal));
    const { numHiddenLayers: layers, numAttentionHeads: heads } = model.model.config.text;
    const { headAttention } = await import('./head_attention');
    return headAttention(capture, prepared, layers, heads);
  }

  /** Puts the adapter of a question before the model, or none. */
  async #apply(wanted: GenerateRequest['adapter'], loaded: Loaded): Promise<void> {
    if (wanted === null) return loaded.model.setAdapter(null);
    const adapter = await loaded.gpu.untilLost(this.#parts.shelf.adapterFor(wanted.id, loaded));
    adapter.setStrength(wanted.strength);
    loaded.model.setAdapter(adapter);
  }

  #resultOf(
    answer: GeneratedAnswer,
    { picture, question, expected, capture, seed }: GenerateRequest,
    colours: readonly ColourShares[] | null,
    at: { promptTokens: number; reusedTokens: number; began: number; first: number; last: number },
  ): GenerateResult {
    const reading = answer.reading();
    const asked = expected === null && colours !== null ? readWorldQuestion(question) : null;
    const truth = asked === null || colours === null ? null : truthOf(asked, colours);
    const possible = expected === null ? (truth?.answers ?? []) : [expected];
    const grades = possible.map((each) => gradeAnswer(reading.answer, each));
    const imageShares = answer.imageShares();
    const tokenSpan = (start: number, end: number): TokenSpan => answer.tokenSpan(start, end);
    const generatedTokens = answer.ids.length;
    const decodeMs = at.last - at.first;
    return {
      about: { picture, question },
      text: answer.text,
      answer: reading.answer,
      verdict: grades.find(({ equal }) => equal) ?? grades[0] ?? null,
      truth,
      phases: capture ? attentionPhases({ reading, imageShares, tokenSpan }) : null,
      stats: {
        promptTokens: at.promptTokens,
        reusedTokens: at.reusedTokens,
        generatedTokens,
        timeToFirstTokenMs: generatedTokens > 0 ? at.first - at.began : 0,
        totalMs: this.#parts.now() - at.began,
        tokensPerSecond: generatedTokens > 1 && decodeMs > 0 ? ((generatedTokens - 1) * 1000) / decodeMs : 0,
        seed,
        finishReason: answer.finishReason ?? 'stopped',
      },
    };
  }
}
