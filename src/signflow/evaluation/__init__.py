"""How good, truly: runs become metrics, intervals, pictures and a report."""

from signflow.evaluation.evaluate import evaluate
from signflow.evaluation.metrics import (
    ClassResult,
    Interval,
    SplitResult,
    confusion_matrix,
    split_result,
    wilson_interval,
)
from signflow.evaluation.picture import clip_picture, write_clip_picture
from signflow.evaluation.predictions import (
    Predictions,
    predictions_path,
    read_predictions,
    write_predictions,
)
from signflow.evaluation.report import write_report
from signflow.evaluation.runs import RunRecord
from signflow.evaluation.seeds import mean_over_runs, pooled_top1
from signflow.evaluation.summary import summary_table

__all__ = [
    "ClassResult",
    "Interval",
    "Predictions",
    "RunRecord",
    "SplitResult",
    "clip_picture",
    "confusion_matrix",
    "evaluate",
    "mean_over_runs",
    "pooled_top1",
    "predictions_path",
    "read_predictions",
    "split_result",
    "summary_table",
    "wilson_interval",
    "write_clip_picture",
    "write_predictions",
    "write_report",
]
