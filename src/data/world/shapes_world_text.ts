// Writes the words of the shapes world: questions as a person types them, and the oracle's answers in each form.
// Every text is a function of the scene and the question alone.

import { CELL_NAMES, type Colour, type Scene, type SceneObject, type Shape } from './shapes_world_scene';

/** Which objects a question is about; at least one of the two is given. */
export interface Selector {
  readonly colour?: Colour;
  readonly shape?: Shape;
}

/** One arithmetic step on the running value. */
export interface Operation {
  readonly verb: 'add' | 'subtract';
  readonly amount: number;
}

/** What the first sentence asks. `text` ignores the picture. */
export type QuestionKind = 'count' | 'take' | 'plus' | 'text';

/** A question: the first sentence (kind, selector, start) and the operations after it. */
export interface Question {
  readonly kind: QuestionKind;
  /** Present unless kind is `text`. */
  readonly selector?: Selector;
  /** The K of `Start with K.`; 0 and unused for kind `count`. */
  readonly start: number;
  readonly operations: readonly Operation[];
}

/** True when the object has every attribute that the selector names. */
export function matches(selector: Selector, object: SceneObject): boolean {
  if (selector.colour !== undefined && selector.colour !== object.colour) return false;
  return selector.shape === undefined || selector.shape === object.shape;
}

/** Number of objects of the scene that the selector names. */
export function countMatches(scene: Scene, selector: Selector): number {
  return scene.objects.filter((object) => matches(selector, object)).length;
}

/** `red squares`, `circles`, `red objects`; singular for a count of one. */
export function selectorName(selector: Selector, count = 2): string {
  const noun = selector.shape ?? 'object';
  const words = count === 1 ? noun : `${noun}s`;
  return selector.colour === undefined ? words : `${selector.colour} ${words}`;
}

/** The question in plain English: `Start with 11. Subtract the red squares. Add 3. How many?` */
export function questionText(question: Question): string {
  const sentences: string[] = [];
  const name = question.selector === undefined ? '' : selectorName(question.selector);
  if (question.kind === 'count') sentences.push(`Count the ${name}.`);
  else sentences.push(`Start with ${question.start}.`);
  if (question.kind === 'take') sentences.push(`Subtract the ${name}.`);
  if (question.kind === 'plus') sentences.push(`Add the ${name}.`);
  for (const { verb, amount } of question.operations) {
    sentences.push(`${verb === 'add' ? 'Add' : 'Subtract'} ${amount}.`);
  }
  return `${sentences.join(' ')} How many?`;
}

/** The value after the first sentence, given how many matching objects were counted. */
export function firstValue(question: Question, count: number): number {
  if (question.kind === 'count') return count;
  if (question.kind === 'take') return question.start - count;
  if (question.kind === 'plus') return question.start + count;
  return question.start;
}

/** Every value of the running total, the first sentence's first and the answer last. */
export function runningValues(question: Question, count: number): number[] {
  let value = firstValue(question, count);
  const values = [value];
  for (const { verb, amount } of question.operations) {
    value = verb === 'add' ? value + amount : value - amount;
    values.push(value);
  }
  return values;
}

/** The written arithmetic: ` 11 - 2 = 9. 9 + 3 = 12.` with a leading space, empty when there is nothing to compute. */
export function chainText(question: Question, count: number): string {
  const values = runningValues(question, count);
  let text = '';
  if (question.kind === 'take') text += ` ${question.start} - ${count} = ${values[0]}.`;
  if (question.kind === 'plus') text += ` ${question.start} + ${count} = ${values[0]}.`;
  question.operations.forEach(({ verb, amount }, i) => {
    text += ` ${values[i]} ${verb === 'add' ? '+' : '-'} ${amount} = ${values[i + 1]}.`;
  });
  return text;
}

/** A look at every cell in raster order: `a1 - a2 red square 1 a3 blue circle x`, matches numbered as they come. */
export function scanText(scene: Scene, selector: Selector): string {
  let found = 0;
  return CELL_NAMES.map((name, cell) => {
    const object = scene.objects.find((o) => o.cell === cell);
    if (object === undefined) return `${name} -`;
    const mark = matches(selector, object) ? `${++found}` : 'x';
    return `${name} ${object.colour} ${object.shape} ${mark}`;
  }).join(' ');
}

/** Every cell with what lies in it: `a1 red circle a2 - …`. */
export function listText(scene: Scene): string {
  return CELL_NAMES.map((name, cell) => {
    const object = scene.objects.find((o) => o.cell === cell);
    return object === undefined ? `${name} -` : `${name} ${object.colour} ${object.shape}`;
  }).join(' ');
}

/** The prompt that asks for {@link listText}. */
export const LIST_PROMPT = 'List the objects';

/** The prompt that asks for a scan: `Check the red squares`. */
export function checkPrompt(selector: Selector): string {
  return `Check the ${selectorName(selector)}`;
}

/** The inside of the first `<think>`: a count said at a glance, then the chain that follows from it. */
export function firstThought(question: Question, count: number): string {
  if (question.kind === 'text' || question.selector === undefined) {
    return `start with ${question.start}.${chainText(question, 0)}`;
  }
  return `i see ${count} ${selectorName(question.selector, count)}.${chainText(question, count)}`;
}

/** The inside of a genuine `<back>`: the selector restated, then the scan; for kind `text`, the start restated. */
export function backText(scene: Scene, question: Question): string {
  if (question.selector === undefined) return `start with ${question.start}.`;
  return `check the ${selectorName(question.selector)}. ${scanText(scene, question.selector)}`;
}

/** The inside of the second `<think>`. */
export function secondThought(question: Question, count: number): string {
  const known = question.selector === undefined ? question.start : count;
  return `so ${known}.${chainText(question, count)}`;
}

/** `\boxed{ 12 }`, spaced as the pocket tokenizers decode it. */
export function boxed(answer: number): string {
  return `\\boxed{ ${answer} }`;
}

/** A whole plain chain of thought that saw `count` objects. */
export function chainOfThought(question: Question, count: number): string {
  const answer = runningValues(question, count).at(-1) as number;
  return `<think> ${firstThought(question, count)} </think> ${boxed(answer)}`;
}

/** A whole Look-Back answer: the first thought saw `glanced`, the second goes by `count`, `back` lies between. */
export function lookBackChain(question: Question, glanced: number, back: string, count: number): string {
  const answer = runningValues(question, count).at(-1) as number;
  const inside = back === '' ? '' : `${back} `;
  return (
    `<think> ${firstThought(question, glanced)} </think> <back> ${inside}</back> ` +
    `<think> ${secondThought(question, count)} </think> ${boxed(answer)}`
  );
}

/** The answer to {@link checkPrompt}. */
export function checkAnswer(scene: Scene, selector: Selector): string {
  return `<back> check the ${selectorName(selector)}. ${scanText(scene, selector)} </back>`;
}
