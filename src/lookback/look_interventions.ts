// Intervenes at the looks of answers: where an answer opens `<back>` it is stopped, something is put in the place of what the
// model would have written, and the model goes on behind that. What a look is worth is what is lost without it. Everything
// goes by token ids: what the model wrote before stays what it wrote.

import { TAGS, type TagMark } from '../answer/answer_grammar';
import type { StreamDecoder } from '../data/text/stream_decoder';
import type { Tokenizer } from '../data/text/tokenizer';
import type { TokenAttention } from '../generation/attention_recorder';
import { GeneratedAnswer, type StopWhen } from '../generation/generate';
import type { FinishReason } from '../generation/stopping_criteria';
import { ArgumentError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import { BlankPictures } from '../model/blank_pictures';
import type { ImageInput } from '../model/prompt_packing';
import type { ModelSpec } from '../model/spec';
import type { EvaluationSettings } from '../settings/evaluation_settings';
import type { AnswerRequest, Reasoner } from './reasoner';

/** What may stand in the place of the model's own look. */
export type LookChoice = Exclude<EvaluationSettings['look'], 'own'>;

/** What an intervention did to one answer. */
export interface Intervention {
  readonly look: LookChoice;
  /** Looks that it was made at; 0 where the answer opens none. */
  readonly looks: number;
  /** Tokens of the answer that were put there and not generated, those of pictures included. */
  readonly forcedTokens: number;
}

/** An answer with what was done to it; its text and ids are whole, what was put there included. */
export interface InterruptedAnswer {
  readonly answer: GeneratedAnswer;
  readonly intervention: Intervention;
}

/** The part of a reasoner that interventions need. */
export type InterruptedModel = Pick<Reasoner, 'answerBatch' | 'maxTokens'> & {
  readonly model: { readonly config: Pick<ModelSpec, 'imageTokenId'> };
  readonly processor: {
    readonly tokenizer: Pick<Tokenizer, 'encodePlain' | 'specialIds' | 'createStreamDecoder'>;
  };
};

/** The word that neutral text repeats: it says nothing of a picture, and the built-in model knows it. */
const NEUTRAL = ' ok';

/** The first look of a text: its tags, and of the closing one whether it came. */
function firstLook(
  answer: GeneratedAnswer,
): { readonly open: TagMark; readonly close: TagMark | null } | null {
  const tags = answer.reading().tags.filter(({ name }) => name === 'back');
  const open = tags.find(({ opens }) => opens);
  if (open === undefined) return null;
  return { open, close: tags.find(({ opens, start }) => !opens && start >= open.end) ?? null };
}

const opensLook: StopWhen = (answer) => firstLook(answer) !== null;
const closesLook: StopWhen = (answer) => (firstLook(answer)?.close ?? null) !== null;
/** Of what is written behind an opened look. */
const leavesLook: StopWhen = (answer) =>
  answer.reading().tags.some(({ name, opens }) => name === 'back' && !opens);

/**
 * The ids of a prompt that stand for its pictures: from the first image token to the last, with the control tokens around
 * them, such as `<|vision_start|>` and `<|vision_end|>`. Empty for a prompt without a picture.
 */
export function pictureTokens(
  ids: readonly number[],
  imageTokenId: number,
  specialIds: ReadonlySet<number>,
): number[] {
  let [first, last] = [ids.indexOf(imageTokenId), ids.lastIndexOf(imageTokenId)];
  if (first < 0) return [];
  const special = (at: number): boolean => specialIds.has(ids[at] ?? -1);
  while (special(first - 1)) first--;
  while (special(last + 1)) last++;
  return ids.slice(first, last + 1);
}

/**
 * Cuts requests into waves that one session can answer together. It takes as many steps for all, so that the longest prompt
 * with the longest answer has to fit, also where the two are of different requests.
 */
export function wavesThatFit<T extends { readonly request: AnswerRequest }>(
  asked: readonly T[],
  maxTokens: number,
): T[][] {
  const lengthOf = ({ request }: T): number => request.prepared.prompt.inputIds.length;
  const waves: T[][] = [];
  let longest = Number.POSITIVE_INFINITY;
  for (const one of asked.toSorted((a, b) => lengthOf(a) - lengthOf(b))) {
    const { maxNewTokens } = one.request.sampling;
    longest = Math.max(longest, maxNewTokens);
    if (lengthOf(one) + longest > maxTokens) {
      waves.push([]);
      longest = maxNewTokens;
    }
    waves.at(-1)?.push(one);
  }
  return waves;
}

/** An answer in the making: what the model wrote so far and what was put between. */
class PiecedAnswer {
  readonly #request: AnswerRequest;
  readonly #ids: number[] = [];
  readonly #attention: TokenAttention[] = [];
  #forced = 0;
  #pictures = 1;
  looks = 0;
  finishReason: FinishReason | null = null;

  constructor(request: AnswerRequest) {
    this.#request = request;
  }

  /** Ids of the prompt. */
  get promptIds(): readonly number[] {
    return this.#request.prepared.prompt.inputIds;
  }

  /** How the model goes on behind what is there; null, and the answer ends, where there is no room. */
  next(maxTokens: number, picture: (image: ImageInput) => ImageInput): AnswerRequest | null {
    const { prepared, sampling } = this.#request;
    const inputIds = [...this.promptIds, ...this.#ids];
    const generated = this.#ids.length - this.#forced;
    const maxNewTokens = Math.min(sampling.maxNewTokens - generated, maxTokens - inputIds.length);
    if (maxNewTokens < 1) {
      this.finishReason = 'length';
      return null;
    }
    const once = prepared.prompt.images.map(picture);
    const images = Array.from({ length: this.#pictures }, () => once).flat();
    return {
      prepared: { ...prepared, prompt: { inputIds, images } },
      sampling: { ...sampling, maxNewTokens },
      continues: this.#ids.length > 0,
    };
  }

  /** Takes what the model wrote. */
  take(piece: GeneratedAnswer, tokens = piece.ids.length): void {
    const before = this.#ids.length;
    this.#ids.push(...piece.ids.slice(0, tokens));
    for (const own of piece.attention)
      if (own.step < tokens) this.#attention.push({ ...own, step: before + own.step });
  }

  /** Takes what the model wrote up to a character; a token that reaches beyond it is spelled anew. */
  takeUpTo(
    piece: GeneratedAnswer,
    end: number,
    { encodePlain, createDecoder }: { encodePlain(text: string): number[]; createDecoder(): StreamDecoder },
  ): void {
    const again = new GeneratedAnswer(createDecoder());
    let [tokens, spelled] = [0, 0];
    for (const id of piece.ids) {
      again.push(id, false);
      if (again.text.length > end) break;
      tokens++;
      spelled = again.text.length;
    }
    this.take(piece, tokens);
    this.put(encodePlain(piece.text.slice(spelled, end)));
  }

  /** Puts ids that the model did not generate. */
  put(ids: readonly number[]): void {
    this.#ids.push(...ids);
    this.#forced += ids.length;
  }

  /** Shows the pictures once more. */
  show(ids: readonly number[]): void {
    this.put(ids);
    this.#pictures++;
  }

  /** The whole answer. */
  whole(look: LookChoice, decoder: StreamDecoder): InterruptedAnswer {
    const answer = new GeneratedAnswer(decoder);
    const reason = this.finishReason ?? 'stopped';
    this.#ids.forEach((id, at) => {
      answer.push(id, reason === 'eos' && at === this.#ids.length - 1);
    });
    for (const own of this.#attention) answer.record(own);
    answer.finish(reason);
    return { answer, intervention: { look, looks: this.looks, forcedTokens: this.#forced } };
  }
}

/** Answers waves of questions and intervenes at every look. */
export class LookInterventions {
  readonly #model: InterruptedModel;
  readonly #look: LookChoice;
  readonly #batch: number;
  readonly #signal: AbortSignal | undefined;
  readonly #blanks = new BlankPictures();
  readonly #spelling: { encodePlain(text: string): number[]; createDecoder(): StreamDecoder };

  /** @param batch sequences of the model's session; with one, what was read before an intervention is not read again */
  constructor(
    model: InterruptedModel,
    look: LookChoice,
    { batch, signal }: { readonly batch: number; readonly signal?: AbortSignal | undefined },
  ) {
    [this.#model, this.#look, this.#batch, this.#signal] = [model, look, batch, signal];
    const { tokenizer } = model.processor;
    this.#spelling = {
      encodePlain: (text) => tokenizer.encodePlain(text),
      createDecoder: () => tokenizer.createStreamDecoder({ skipSpecialTokens: true }),
    };
  }

  /**
   * Answers to at most as many requests as the batch; after an abort as far as they came.
   * @throws ArgumentError for a temperature, as what was drawn before an intervention would be drawn again; GpuError
   */
  async answer(requests: readonly AnswerRequest[]): Promise<InterruptedAnswer[]> {
    if (requests.some(({ sampling }) => sampling.temperature !== 0))
      throw new ArgumentError(
        'Looks are replaced in greedy answers alone: leave the temperature at 0, or look "own".',
      );
    const answers = requests.map((request) => new PiecedAnswer(request));
    const until = this.#look === 'neutral' ? closesLook : opensLook;
    for (let open = answers; open.length > 0 && !this.#signal?.aborted; ) {
      const looking = await this.#goOn(open, until, (image) => image);
      for (const [answer, piece] of looking) this.#begin(answer, piece);
      if (this.#look === 'blank_picture') await this.#writeBlind(looking.map(([answer]) => answer));
      open = answers.filter(({ finishReason }) => finishReason === null);
    }
    return answers.map((answer) => answer.whole(this.#look, this.#spelling.createDecoder()));
  }

  /** Lets answers go on until something holds; resolves to those where it does. The others have come to their end. */
  async #goOn(
    open: readonly PiecedAnswer[],
    until: StopWhen,
    picture: (image: ImageInput) => ImageInput,
  ): Promise<(readonly [PiecedAnswer, GeneratedAnswer])[]> {
    const asked = open.flatMap((answer) => {
      const request = answer.next(this.#model.maxTokens, picture);
      return request === null ? [] : [{ answer, request }];
    });
    if (asked.length === 0) return [];
    const options = { capture: 'shares', signal: this.#signal, until } as const;
    const pieces = new Map<PiecedAnswer, GeneratedAnswer>();
    for (const wave of wavesThatFit(asked, this.#model.maxTokens)) {
      const requests = wave.map(({ request }) => request);
      const answered = await this.#model.answerBatch(requests, this.#batch, options);
      wave.forEach(({ answer }, at) => {
        pieces.set(answer, itemAt(answered, at));
      });
    }
    return asked.flatMap(({ answer }) => {
      const piece = pieces.get(answer) as GeneratedAnswer;
      if (piece.finishReason === 'stopped') return this.#signal?.aborted ? [] : [[answer, piece] as const];
      answer.take(piece);
      answer.finishReason = piece.finishReason;
      return [];
    });
  }

  /** Takes an answer up to its opened look and puts there what stands for it, unless that is still to be written. */
  #begin(answer: PiecedAnswer, piece: GeneratedAnswer): void {
    const look = firstLook(piece);
    if (look === null) return;
    const { open, close } = look;
    const { encodePlain } = this.#spelling;
    answer.takeUpTo(piece, open.end, this.#spelling);
    answer.looks++;
    if (this.#look === 'neutral' && close !== null) {
      const { tokenStart, tokenEnd } = piece.tokenSpan(open.end, close.start);
      answer.put(this.#neutral(tokenEnd - tokenStart));
      const closing = /\s*$/.exec(piece.text.slice(open.end, close.start))?.[0] ?? '';
      answer.put(encodePlain(closing + TAGS.back.close));
    } else if (this.#look === 'picture_again' || this.#look === 'picture_then_look') {
      const { config } = this.#model.model;
      const { specialIds } = this.#model.processor.tokenizer;
      answer.show(pictureTokens(answer.promptIds, config.imageTokenId, specialIds));
      if (this.#look === 'picture_again') answer.put(encodePlain(TAGS.back.close));
    }
  }

  /** Lets the model write opened looks with blank pictures in the place of those of the question. */
  async #writeBlind(answers: readonly PiecedAnswer[]): Promise<void> {
    const written = await this.#goOn(answers, leavesLook, (image) => this.#blanks.of(image));
    for (const [answer, piece] of written) {
      const close = piece.reading().tags.find(({ name, opens }) => name === 'back' && !opens);
      answer.takeUpTo(piece, close?.end ?? piece.text.length, this.#spelling);
    }
  }

  /** Neutral text of a number of tokens. */
  #neutral(tokens: number): number[] {
    const word = this.#spelling.encodePlain(NEUTRAL);
    return Array.from({ length: tokens }, (_, at) => itemAt(word, at % word.length));
  }
}
