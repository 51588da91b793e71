# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import attn
import numpy as np

translator = attn.Translator(dtype="auto")
reveal_type(translator.translate("Hello."))
reveal_type(translator.translate(["Hello."], beam_size=3))
reveal_type(translator.translate_ids(np.array([1, 0])))
reveal_type(translator.translate_ids([[1, 0]]))
reveal_type(translator.search(["Hello."]))
translator.translate("Hello.", beams=3)
attn.Translator(dtype="f16")
