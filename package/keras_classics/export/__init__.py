"""Shipping: models with everything they need inside, for processes without Keras and without us.

| function | what goes in | what comes out |
|---|---|---|
| `export_model` | what the model takes | what it says |
| `export_classifier` | pictures | names of classes |
| `export_clip_classifier` | clips | classes |
| `export_captioner` | pictures | sentences |
| `export_segmenter` | pictures | the class of every pixel |
| `export_translator` | sentences | sentences |
| `export_recognizer` | lines or recordings | texts |
| `export_sound_classifier` | recordings | classes |
| `export_text_labeller` | texts | classes of units or texts |
| `quantize` | what a classifier takes | what it says, in numbers of eight bits |

All write SavedModels (`format="saved_model"`), files for LiteRT (`"litert"`) and ONNX (`"onnx"`),
and check what they wrote: it is reopened by its runtime, and only if it says what the model says in
this process does it stay. Which model can be had in which format stands in the project's
`package/docs/formats.md`; `fastest` measures which of them answers first.

An exported file is a program: who runs it runs what its maker put in. Nothing screens it, and one
of a stranger is to be treated like any other program of a stranger's.
"""

from keras_classics.core.boundary.program_files import load_saved_model, saved_model_network
from keras_classics.core.processor import processors
from keras_classics.export.differences import differences
from keras_classics.export.elsewhere import answers_elsewhere
from keras_classics.export.examples import (
    Examples,
    hash_examples,
    read_examples,
    ship,
    write_examples,
)
from keras_classics.export.fastest_form import Fastest, fastest
from keras_classics.export.few_bits.eight_bits import Quantized, quantize
from keras_classics.export.few_bits.fake_quantization import quantization_aware
from keras_classics.export.folding import fold
from keras_classics.export.formats import FORMATS, Exported
from keras_classics.export.kinds.exported_captioner import export_captioner
from keras_classics.export.kinds.exported_classifier import export_classifier
from keras_classics.export.kinds.exported_clip_classifier import export_clip_classifier
from keras_classics.export.kinds.exported_detector import export_detector
from keras_classics.export.kinds.exported_labeller import export_text_labeller
from keras_classics.export.kinds.exported_recognizer import (
    export_recognizer,
    export_sound_classifier,
)
from keras_classics.export.kinds.exported_segmenter import export_segmenter
from keras_classics.export.kinds.exported_translator import export_translator
from keras_classics.export.kinds.plain import export_model
from keras_classics.export.kinds.sizes import any_size
from keras_classics.export.kinds.translator_folders import (
    ExportedTranslator,
    export_translators,
    exported_directions,
    trained_pairs,
)
from keras_classics.export.reopening import Reopened, Spec
from keras_classics.export.sample_inputs import sample_batches, sample_inputs
from keras_classics.export.serving import (
    PROGRAM,
    Served,
    described,
    reopen,
    serve_check,
    serve_compare,
)
from keras_classics.export.writers import ExportError

__all__ = [
    "Examples",
    "ExportError",
    "Exported",
    "ExportedTranslator",
    "FORMATS",
    "Fastest",
    "PROGRAM",
    "Quantized",
    "Reopened",
    "Served",
    "Spec",
    "answers_elsewhere",
    "any_size",
    "described",
    "differences",
    "export_model",
    "export_captioner",
    "export_classifier",
    "export_clip_classifier",
    "export_detector",
    "export_recognizer",
    "export_segmenter",
    "export_sound_classifier",
    "export_text_labeller",
    "export_translator",
    "export_translators",
    "exported_directions",
    "fastest",
    "fold",
    "hash_examples",
    "load_saved_model",
    "processors",
    "quantization_aware",
    "quantize",
    "read_examples",
    "reopen",
    "sample_batches",
    "sample_inputs",
    "saved_model_network",
    "serve_check",
    "serve_compare",
    "ship",
    "trained_pairs",
    "write_examples",
]
