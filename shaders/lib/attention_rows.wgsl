// One number per query vector (or key) of a tile, for tiles of 1 to 4.

#if ROWS == 1
alias Rows = f32;
alias RowsMask = bool;
alias RowsIndex = u32;
#else
alias Rows = vec${ROWS}f;
alias RowsMask = vec${ROWS}<bool>;
alias RowsIndex = vec${ROWS}u;
#endif

/// Component `row` of a per-row value.
fn component(value: Rows, row: u32) -> f32 {
#if ROWS == 1
  return value;
#else
  return value[row];
#endif
}
