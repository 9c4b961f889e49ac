// Says which projections of a checkpoint become one matrix on the device because they share an input: queries, keys
// and values, and the gate and up projection of an MLP.

const FUSED: readonly (readonly [readonly string[], string])[] = [
  [['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'], 'self_attn.qkv_proj'],
  [['mlp.gate_proj', 'mlp.up_proj'], 'mlp.gate_up_proj'],
];

/** The weight that contains a tensor, and the tensors it is made of, in order of rows. */
export function fusionOf(name: string): { readonly name: string; readonly parts: readonly string[] } {
  for (const [members, fused] of FUSED) {
    const member = members.find((part) => name.includes(`.${part}.`));
    if (member === undefined) continue;
    return { name: name.replace(member, fused), parts: members.map((part) => name.replace(member, part)) };
  }
  return { name, parts: [name] };
}

/** Modules that a (possibly fused) projection is made of, in order of its rows: `….qkv_proj` → q, k and v. */
export function fusedModules(module: string): readonly string[] {
  const found = FUSED.find(([, fused]) => module.endsWith(`.${fused}`));
  if (!found) return [module];
  const [members, fused] = found;
  return members.map((member) => module.slice(0, -fused.length) + member);
}
