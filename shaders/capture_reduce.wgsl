// Mean over heads of captured attention, and the turn from layer-major to sequence-major:
// shares[b, l, c] = mean_h masses[l, b, h, c],  maps[b, m, i] = mean_h map[m, b, h, i].
//
// Bindings: masses [layers, B, heads, 5], [map [map_layers, B, heads, map_size]], shares [B, layers, 5],
// [maps [B, map_layers, map_size]]. One thread = one element of shares or maps; heads are summed in order.

struct Params {
  batch: u32,
  layers: u32,
  heads: u32,
  map_layers: u32,
  map_size: u32,
}

@group(0) @binding(0) var<storage, read> masses: array<f32>;
#if MAP
@group(0) @binding(1) var<storage, read> map: array<f32>;
@group(0) @binding(2) var<storage, read_write> shares: array<f32>;
@group(0) @binding(3) var<storage, read_write> maps: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
#else
@group(0) @binding(1) var<storage, read_write> shares: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
#endif

@compute @workgroup_size(64)
fn capture_reduce(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * 64u + lane;
  let share_count = params.batch * params.layers * ${KEY_CLASSES}u;
  if (item < share_count) {
    let kind = item % ${KEY_CLASSES}u;
    let layer = item / ${KEY_CLASSES}u % params.layers;
    let first = (layer * params.batch + item / (${KEY_CLASSES}u * params.layers)) * params.heads;
    var sum = 0f;
    for (var head = 0u; head < params.heads; head++) {
      sum += masses[(first + head) * ${KEY_CLASSES}u + kind];
    }
    shares[item] = sum / f32(params.heads);
  }
#if MAP
  let cell = item - share_count;
  if (item >= share_count && cell < params.batch * params.map_layers * params.map_size) {
    let i = cell % params.map_size;
    let layer = cell / params.map_size % params.map_layers;
    let first = (layer * params.batch + cell / (params.map_size * params.map_layers)) * params.heads;
    var sum = 0f;
    for (var head = 0u; head < params.heads; head++) {
      sum += map[(first + head) * params.map_size + i];
    }
    maps[cell] = sum / f32(params.heads);
  }
#endif
}
