# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the GoogleTest programs of unittests/."""
import os

import lit.formats

config.name = "attn-unit"
config.suffixes = []
config.test_source_root = os.path.join(config.attn_binary_dir, "unittests")
config.test_exec_root = config.test_source_root
config.test_format = lit.formats.GoogleTest(".", "Tests")
# Shared with the lit tests: identical code is compiled once.
config.environment["ATTN_CACHE_DIR"] = os.path.join(
    config.attn_binary_dir, "test", "cache"
)
# As for the lit tests; and more is asked for than there is.
config.environment["ASAN_OPTIONS"] = (
    "allow_user_poisoning=0:allocator_may_return_null=1"
)
