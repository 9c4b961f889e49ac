"""Draws sheets with Pillow for an evaluation that owes nothing to the world's own renderer: 480 pixels, white paper, edges
smoothed by drawing four times larger, and the named colours of palettes that people use. Writes a folder that
`npm run evaluate -- --dataset` takes: PNG files and metadata.jsonl.

usage: other_renderer.py FOLDER [COUNT [SEED]]
"""
import json
import math
import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw

SIDE, GRID, SCALE = 480, 4, 4
NUMBERS = 'zero one two three four five six seven eight nine ten'.split()

# Each word's colour in CSS, in Google's Material design (2014, shade 500 or 600) and in Tailwind 3 (shade 500 or 600);
# Material's and Tailwind's black is their darkest grey.
PALETTES = {
    'css': dict(red='#ff0000', orange='#ffa500', yellow='#ffff00', green='#008000', blue='#0000ff', purple='#800080',
                pink='#ff69b4', black='#000000'),
    'material': dict(red='#f44336', orange='#fb8c00', yellow='#fdd835', green='#43a047', blue='#1e88e5',
                     purple='#8e24aa', pink='#f06292', black='#212121'),
    'tailwind': dict(red='#dc2626', orange='#f97316', yellow='#facc15', green='#16a34a', blue='#2563eb',
                     purple='#9333ea', pink='#f472b6', black='#171717'),
}
SHAPES = ['circle', 'square', 'triangle', 'star', 'ring', 'heart']
# Pairs that the world keeps out of every split but one; they are not asked for here either.
HELD_OUT = {('yellow', 'triangle'), ('green', 'circle'), ('pink', 'star'), ('blue', 'ring')}


def outline(shape, x, y, r, turn):
    """Corners of a shape around (x, y) with circumradius r; None for the round ones."""
    def around(count, radii, start=-math.pi / 2):
        return [(x + radii[i % len(radii)] * r * math.cos(start + turn + 2 * math.pi * i / count),
                 y + radii[i % len(radii)] * r * math.sin(start + turn + 2 * math.pi * i / count)) for i in range(count)]
    if shape == 'square':
        return around(4, [1], -3 * math.pi / 4)
    if shape == 'triangle':
        return around(3, [1])
    if shape == 'star':
        return around(10, [1, .42])
    if shape == 'heart':  # the curve x = 16 sin³ t, y = 13 cos t − 5 cos 2t − 2 cos 3t − cos 4t
        points = []
        for i in range(120):
            t = 2 * math.pi * i / 120
            u = 16 * math.sin(t) ** 3 / 17
            v = -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 17
            points.append((x + r * u, y + r * v))
        return points
    return None


def draw(objects, palette):
    image = Image.new('RGB', (SIDE * SCALE,) * 2, '#ffffff')
    pen, cell = ImageDraw.Draw(image), SIDE * SCALE / GRID
    for where, (colour, shape, radius, dx, dy, turn) in objects.items():
        r = radius * cell
        x, y = ((where % GRID) + .5 + dx) * cell, ((where // GRID) + .5 + dy) * cell
        corners = outline(shape, x, y, r, turn)
        fill = palette[colour]
        if corners is not None:
            pen.polygon(corners, fill=fill)
        elif shape == 'circle':
            pen.ellipse([x - r, y - r, x + r, y + r], fill=fill)
        else:
            pen.ellipse([x - r, y - r, x + r, y + r], outline=fill, width=round(.42 * r))
    return image.resize((SIDE, SIDE), Image.LANCZOS)


def scene(rng):
    colours, shapes = rng.sample(sorted(PALETTES['css']), rng.randint(2, 3)), rng.sample(SHAPES, rng.randint(2, 3))
    objects = {}
    for where in sorted(rng.sample(range(GRID * GRID), rng.randint(3, 9))):
        radius = rng.uniform(.29, .42)
        room = .5 - radius - .02
        objects[where] = (rng.choice(colours), rng.choice(shapes), radius, rng.uniform(-room, room),
                          rng.uniform(-room, room), rng.uniform(-.2, .2))
    return objects


def ask(objects, rng):
    """A question and its answer: a count, now and then with a sum around it, or whether there is any."""
    while True:
        colour, shape = rng.choice(list(objects.values()))[:2] if rng.random() < .85 else (
            rng.choice(sorted(PALETTES['css'])), rng.choice(SHAPES))
        form = rng.choice(['colour', 'colour', 'shape', 'both'])
        if form != 'both' or (colour, shape) not in HELD_OUT:
            break
    count = sum((form == 'shape' or c == colour) and (form == 'colour' or s == shape) for c, s, *_ in objects.values())
    name = {'colour': f'{colour} objects', 'shape': f'{shape}s', 'both': f'{colour} {shape}s'}[form]
    roll = rng.random()
    if roll < .1:
        return f'Are there any {name}?', 'yes' if count else 'no'
    if roll < .6:
        return rng.choice(['How many {}?', 'How many {} are there?', 'how many {} do you see?', 'Count the {}.',
                           'HOW MANY {} ARE THERE']).format(name), str(count)
    amount = rng.randint(1, 9)
    if roll < .8:
        return f'How many {name}? Add {rng.choice([str(amount), NUMBERS[amount]])}.', str(count + amount)
    start = count + rng.randint(0, 9)
    return f'Start with {start}. Subtract the {name}.', str(start - count)


def main():
    folder, count, seed = Path(sys.argv[1]), *(int(n) for n in [*sys.argv[2:], *[400, 7][len(sys.argv) - 2:]])
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / 'metadata.jsonl', 'w') as rows:
        for n in range(count):
            objects, palette = scene(rng), rng.choice(sorted(PALETTES))
            draw(objects, PALETTES[palette]).save(folder / f'{n:04}.png')
            question, answer = ask(objects, rng)
            rows.write(json.dumps(dict(file_name=f'{n:04}.png', question=question, answer=answer, palette=palette)) + '\n')


main()
