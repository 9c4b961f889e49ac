"""Golden ids and texts of pocket's tokenizer by Hugging Face's Python tokenizers, for the TypeScript tests. Every row is what
Python says; nothing is written by hand.
"""
import json
import sys

from transformers import AutoTokenizer

TEXTS = [
    'Start with 11. Subtract the red squares. Add 3. Subtract 8. How many?',
    'COUNT THE RED CIRCLES , please!   add 3... how many ?',
    'Start with 7, add the "yellow triangles" (all of them); how many? use back',
    '<think> i see 1 red square. 11 - 1 = 10. </think> <back> check the red squares. a1 - a2 red square 1 </back>',
    '<THINK>So 1.</think>\\boxed{10}<|im_end|>',
    'a1 red circle a2 - b3 yellow triangle x',
    'What is this? 123 Größe 3.5 squares.', 'HOW MANY CELLS ARE MOSTLY GREY? Add four, please.',
    'Which row has more brown cells, a or d? use back midway', 'What is 7+3 - 2? 7 − 2 = 5',
    '  \n ', 'circles? . ?', '\\boxed{ 40 } \\boxed{41}', 'List the objects', 'List the colors', 'Check the pink hearts in row a and row c.',
]


def rows(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    question = [{'role': 'user', 'content': [{'type': 'image'}, {'type': 'text', 'text': TEXTS[0]}]}]
    encoded = [tokenizer.encode(text, add_special_tokens=False) for text in TEXTS]
    return {'texts': [{'text': t, 'ids': i, 'decoded': tokenizer.decode(i)} for t, i in zip(TEXTS, encoded)],
            'chat': tokenizer.apply_chat_template(question, add_generation_prompt=True, tokenize=False),
            'chatIds': tokenizer.apply_chat_template(question, add_generation_prompt=True, tokenize=True,
                                                     return_dict=False)}


if __name__ == '__main__':
    root, out = sys.argv[1:3]
    names = ['pocket']
    with open(out, 'w') as f:
        json.dump({name: rows(f'{root}/{name}') for name in names}, f, indent=1, ensure_ascii=False)
        f.write('\n')
