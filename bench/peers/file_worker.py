#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""CTranslate2 translates a file of pieces to standard output; bench/long_file.py
starts it.

    bench/peers/file_worker.py MODEL FILE WORKERS THREADS
"""

import sys

import ctranslate2

model, file, workers, threads = sys.argv[1:]
translator = ctranslate2.Translator(
    model, inter_threads=int(workers), intra_threads=int(threads)
)
translator.translate_file(file, "/dev/stdout", beam_size=1, max_batch_size=32)
