# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import concurrent.futures
import threading

import attn

translator = attn.Translator(threads=2, beam_size=1)
texts = ["Hello, how are you?", "Thank you.", "The cat drinks milk."]
expected = translator.translate(texts)


def translate(number):
    if number % 4 == 0:
        return translator.translate(texts) == expected
    i = number % len(texts)
    try:
        translator.translate("a " * (600 + number))
    except attn.InputError as error:
        return (
            f"got {601 + number};" in str(error)
            and translator.translate(texts[i]) == expected[i]
        )


with concurrent.futures.ThreadPoolExecutor(32) as pool:
    assert all(pool.map(translate, range(200)))

# A thread of Python code that runs while another one translates.
turns, done = 0, threading.Event()


def count():
    global turns
    while not done.wait(0.001):
        turns += 1


counter = threading.Thread(target=count)
counter.start()
before = turns
translator.translate(texts * 100)
during = turns - before
done.set()
counter.join()
assert during > 10, during
