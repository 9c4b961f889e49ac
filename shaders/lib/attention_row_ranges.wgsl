// Visibility of a tile of query rows: every row's two key ranges, their unions, and the mask of one key.
// Needs `params.tokens`, `params.keys`, `ranges` and lib/attention_rows.wgsl.

/// Bounds of every row's ranges, by part; rows past the end see nothing.
var<private> begins: array<RowsIndex, 2>;
var<private> ends: array<RowsIndex, 2>;

fn load_ranges(first: u32) {
#for r in 0..ROWS
  let range_${r} = select(vec4u(0u), ranges[min(first + ${r}u, params.tokens - 1u)], first + ${r}u < params.tokens);
#if ROWS == 1
  begins = array<RowsIndex, 2>(range_0.x, range_0.z);
  ends = array<RowsIndex, 2>(min(range_0.y, params.keys), min(range_0.w, params.keys));
#else
  begins[0][${r}] = range_${r}.x;
  begins[1][${r}] = range_${r}.z;
  ends[0][${r}] = min(range_${r}.y, params.keys);
  ends[1][${r}] = min(range_${r}.w, params.keys);
#endif
#endfor
}

/// Union of the rows' ranges; empty ones do not widen it.
fn load_spans() -> vec4u {
  var span = vec4u(0u);
#for part in 0..2
  {
    var low = 0xffffffffu;
    var high = 0u;
#for r in 0..ROWS
#if ROWS == 1
    let begin_${r} = begins[${part}];
    let end_${r} = ends[${part}];
#else
    let begin_${r} = begins[${part}][${r}];
    let end_${r} = ends[${part}][${r}];
#endif
    if (begin_${r} < end_${r}) {
      low = min(low, begin_${r});
      high = max(high, end_${r});
    }
#endfor
    span[${part}u * 2u] = min(low, high);
    span[${part}u * 2u + 1u] = high;
  }
#endfor
  return span;
}

fn visible(part: u32, key: u32) -> RowsMask {
  let index = RowsIndex(key);
#if ROWS == 1
  return index >= begins[part] && index < ends[part];
#else
  return (index >= begins[part]) & (index < ends[part]);
#endif
}
