# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import signal
import threading
import time

import attn

# Enough for several seconds on one thread.
texts = ["Hello, how are you? The cat drinks milk, and I thank you."] * 800
translator = attn.Translator(threads=1)
# Whoever runs tests may ignore the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)


def is_interrupted():
    """Whether a call ends by a signal that comes when it has begun."""
    main = threading.main_thread().ident
    timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    try:
        translator.translate(texts)
    except KeyboardInterrupt:
        return True
    return False


assert is_interrupted()
assert translator.translate("Thank you.") == "Merci."

# A handler that raises nothing ends nothing.
calls = []
handler = signal.signal(signal.SIGALRM, lambda *_: calls.append(time.monotonic()))
signal.setitimer(signal.ITIMER_REAL, 0.1)
assert len(set(translator.translate(texts[:200]))) == 1
assert calls[0] < time.monotonic() - 0.1, "it ran only afterwards"

# The only decoder is taken by another thread.
other = threading.Thread(target=lambda: translator.translate(texts))
other.start()
time.sleep(0.1)
assert is_interrupted()
assert other.is_alive()
other.join()
