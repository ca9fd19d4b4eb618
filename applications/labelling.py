"""Labels for sequences: one each, one for every step, or in order at unknown places (CTC).

Without a verb the whole job: train (with progress, resumable), evaluate with the field's metrics,
export, and answer one query from the exported model.

    python applications/labelling.py                           # digits in lines, by CTC
    python applications/labelling.py --data speech:FOLDER      # spoken digits, by CTC
    python applications/labelling.py --data speech:FOLDER --data-options leave_out=SPEAKER
    python applications/labelling.py --data iam:FOLDER         # lines of handwriting, by CTC
    python applications/labelling.py --task word --data speech:FOLDER     # one spoken word
    python applications/labelling.py --task tag                # token classes of source code
    python applications/labelling.py --task tag --data conllu:TRAIN.conllu,TEST.conllu
    python applications/labelling.py --task classify           # the language of a phrase
    python applications/labelling.py --task classify --data sentences:FOLDER
    python applications/labelling.py --task clip               # what happens in moving scenes
    python applications/labelling.py --task clip --data videos:FOLDER
    python applications/labelling.py label line.png            # the model at hand
"""

from __future__ import annotations

import functools
import sys

import keras_classics as kc
from labellers.clips import Clip
from labellers.sounds import Word
from labellers.tasks import Recognize, Task
from labellers.texts import Classify, Tag

TASKS = {"recognize": Recognize, "tag": Tag, "classify": Classify, "word": Word, "clip": Clip}


class Labelling(Task):
    """Lines, recordings or texts in, texts or classes out: the job of the task that is set."""

    @classmethod
    def of(cls, settings, folder, output):
        return TASKS[settings.task](settings, folder, output)


main = functools.partial(kc.jobs.run, Labelling)

if __name__ == "__main__":
    sys.exit(main())
