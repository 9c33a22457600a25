"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Table = Annotated[Path, typer.Argument(help="table (CSV, TSV, Parquet, Excel, Arrow; .gz too) or study.yaml", show_default=False)]
Rows = Annotated[
    str,
    typer.Argument(help="table with the same columns as in training, or new events to ask (a database too)", show_default=False),
]  # no path: that would take a slash of an address away
Bundle = Annotated[Path, typer.Argument(help="folder that 'osler train' wrote", show_default=False)]
Target = Annotated[list[str] | None, typer.Option("--target", help="column to predict; repeat for several")]
Task = Annotated[
    str | None,
    typer.Option(
        help="classification, regression or segmentation, guessed from the target; tracks; or representation, which needs none"
    ),
]
Inputs = Annotated[list[str] | None, typer.Option("--input", help="NAME=MODALITY:COL1,COL2 (* and ? stand for any letters)")]
Exclude = Annotated[list[str] | None, typer.Option("--exclude", help="column that is in no input; patterns (* and ?) too")]
Id = Annotated[str | None, typer.Option("--id", help="column that names a case; passed on to predictions")]
Group = Annotated[str | None, typer.Option(help="column whose equal values stay together (the patient)")]
SplitColumn = Annotated[str | None, typer.Option("--split", help="column that says train, val or test")]
Time = Annotated[str | None, typer.Option(help="column by which the latest cases become the test")]
Weight = Annotated[str | None, typer.Option(help="column that weighs cases in training")]
Subgroup = Annotated[list[str] | None, typer.Option("--subgroup", help="column to report by; repeat for several")]
Budget = Annotated[str | None, typer.Option(help="time for training: 30s, 10m, 2h  [default: 10m]")]
Seed = Annotated[int | None, typer.Option(help="of every draw  [default: 0]")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="DECISION=VALUE, as 'osler inspect' lists them; repeatable")]
DropLeaks = Annotated[bool, typer.Option("--drop-leaks", help="leave leaking cases out of training, leaking columns out")]
AllowLeaks = Annotated[bool, typer.Option("--allow-leaks", help="go on in spite of leaks; the report says so")]
Folds = Annotated[int | None, typer.Option(help="cross-validation: every case is tested, in one of so many folds")]
Repeats = Annotated[int | None, typer.Option(help="how often to divide into folds anew  [default: 1]")]
LeaveOut = Annotated[str | None, typer.Option("--leave-out", help="column of sites: each is tested by models without it")]
Refit = Annotated[bool, typer.Option("--refit", help="after scoring train again on all cases, the test too; folds always do")]
Language = Annotated[str | None, typer.Option(help="of the report: en or zh  [default: en]")]
Title = Annotated[str | None, typer.Option(help="of the report")]
Source = Annotated[
    list[str] | None,
    typer.Option("--source", help="INPUT=PLACE of its events or its FASTA file, where not as in training; repeatable"),
]
Pretrain = Annotated[
    Path | None, typer.Option(help="bundle of a representation, from whose encoder the network starts", show_default=False)
]
Cache = Annotated[Path | None, typer.Option(help="folder for what can be made anew  [default: ~/.cache/osler]")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; the accelerator is taken where there is one")]
