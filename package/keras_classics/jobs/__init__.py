"""Jobs: from data to a trained model, its figures, its export and its answers, by one runner.

A `Job` says what is its own; `run(job, argv)` does all the rest: the command line, folders,
strategies, seed and precision, going on after a kill, records, and asking an export. The scripts in
`applications/` are examples of it.
"""

from typing import TYPE_CHECKING

from keras_classics.core import importing
from keras_classics.core.boundary.text_files import (
    read_lines,
    read_table,
    read_text,
    write_json,
    write_table,
    write_text,
)
from keras_classics.jobs.fact_checks import check_classes, check_count
from keras_classics.jobs.job import VERBS, Fact, Job, Scores
from keras_classics.jobs.output import Output, metrics_table
from keras_classics.jobs.plan import Plan
from keras_classics.jobs.ranked_answers import Answer, first_answer, ranked
from keras_classics.jobs.records import (
    describe_run,
    read_metrics,
    read_record,
    read_run,
    record_metrics,
    record_run,
)
from keras_classics.jobs.runner import run
from keras_classics.jobs.setting_groups import (
    CaptionerSettings,
    RecurrentSettings,
    TranslatorSettings,
    WritingSettings,
)
from keras_classics.jobs.settings import Settings, flag

if TYPE_CHECKING:
    from keras_classics.jobs.asking import Answers
    from keras_classics.jobs.opening import open_run, open_twin
    from keras_classics.jobs.shipped import describe_shipped
    from keras_classics.jobs.starting import begin_with, earlier_run

__all__ = [
    "Answer",
    "Answers",
    "CaptionerSettings",
    "Fact",
    "Job",
    "Output",
    "Plan",
    "RecurrentSettings",
    "Scores",
    "Settings",
    "TranslatorSettings",
    "VERBS",
    "WritingSettings",
    "begin_with",
    "check_classes",
    "check_count",
    "describe_run",
    "describe_shipped",
    "earlier_run",
    "first_answer",
    "flag",
    "metrics_table",
    "open_run",
    "open_twin",
    "ranked",
    "read_lines",
    "read_metrics",
    "read_record",
    "read_run",
    "read_table",
    "read_text",
    "record_metrics",
    "record_run",
    "run",
    "write_json",
    "write_table",
    "write_text",
]

# What needs more than a command line does.
__getattr__ = importing.later(
    __name__,
    {
        "Answers": "asking",
        "begin_with": "starting",
        "describe_shipped": "shipped",
        "earlier_run": "starting",
        "open_run": "opening",
        "open_twin": "opening",
    },
)
