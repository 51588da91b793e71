// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls functions that were compiled ahead of time.

#include "compiled.h"
#include <stdio.h>

int main(void) {
  float x[6] = {1, 2, 3, 4, 5, 6}, y[6] = {10, 20, 30, 40, 50, 60};
  attn_tensor_2 a = attn_make_2(x, 2, 3), b = attn_make_2(y, 2, 3);
  attn_add_results sum;
  printf("add %d\n", attn_add(&sum, &a, &b));
  for (int i = 0; i < 6; ++i)
    printf("%g ", ((float *)sum.result0.data)[sum.result0.offset + i]);
  printf("\n%lld x %lld\n", (long long)sum.result0.sizes[0],
         (long long)sum.result0.sizes[1]);
  attn_release(sum.result0.allocated);

  // Sizes are checked before anything is done.
  attn_tensor_2 short_rows = attn_make_2(x, 2, 2), few = attn_make_2(x, 1, 3);
  printf("short rows %d\n", attn_add(&sum, &short_rows, &b));
  printf("few rows %d\n", attn_add(&sum, &a, &few));

  // Nor are parts of other tensors read as if they were whole.
  attn_tensor_2 every_other = a, later = a;
  every_other.strides[1] = 2;
  later.offset = 1;
  printf("every other %d\n", attn_add(&sum, &every_other, &b));
  printf("later %d\n", attn_add(&sum, &a, &later));
  attn_tensor_2 one_row = attn_make_2(x, 1, 3),
                other_row = attn_make_2(y, 1, 3);
  one_row.strides[0] = 100;
  printf("one row %d\n", attn_add(&sum, &one_row, &other_row));
  attn_release(sum.result0.allocated);

  attn_table_results table;
  printf("table %d", attn_table(&table));
  printf(" %g\n", ((float *)table.result0.data)[table.result0.offset + 1]);
  attn_release(table.result0.allocated);
  return 0;
}
