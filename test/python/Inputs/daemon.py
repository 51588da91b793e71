# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import threading
import time

import attn

translator = attn.Translator(threads=1)


def translate():
    while True:
        translator.translate(["Hello, how are you?"] * 4)


threading.Thread(target=translate, daemon=True).start()
time.sleep(0.3)
