"""How good, truly: runs become metrics, intervals, pictures and a report."""

from signflow.evaluation.choice import choose
from signflow.evaluation.comparisons import Comparison, compare_all, compare_with, mcnemar
from signflow.evaluation.evaluate import evaluate
from signflow.evaluation.experiments import Experiment, find_experiments
from signflow.evaluation.intervals import Interval, wilson_interval
from signflow.evaluation.measures import MEASURES, Measure
from signflow.evaluation.metrics import (
    ClassResult,
    SplitResult,
    confusion_matrix,
    split_result,
)
from signflow.evaluation.picture import clip_picture, write_clip_picture
from signflow.evaluation.predictions import (
    Predictions,
    predictions_path,
    read_predictions,
    write_predictions,
)
from signflow.evaluation.report import report_tables, write_report
from signflow.evaluation.runs import RunRecord, find_runs
from signflow.evaluation.seeds import mean_over_runs, pooled_top1
from signflow.evaluation.summary import summary_table
from signflow.evaluation.tables import TABLES, TableName
from signflow.evaluation.tensorboard import write_tensorboard

__all__ = [
    "MEASURES",
    "TABLES",
    "ClassResult",
    "Comparison",
    "Experiment",
    "Interval",
    "Measure",
    "Predictions",
    "RunRecord",
    "SplitResult",
    "TableName",
    "choose",
    "clip_picture",
    "compare_all",
    "compare_with",
    "confusion_matrix",
    "evaluate",
    "find_experiments",
    "find_runs",
    "mcnemar",
    "mean_over_runs",
    "pooled_top1",
    "predictions_path",
    "read_predictions",
    "report_tables",
    "split_result",
    "summary_table",
    "wilson_interval",
    "write_clip_picture",
    "write_predictions",
    "write_report",
    "write_tensorboard",
]
