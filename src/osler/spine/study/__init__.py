"""What the user asks, from flags or a study file, completed from the table."""

from osler.spine.study.ask import ask
from osler.spine.study.cases import with_question
from osler.spine.study.file import StudyFile, describe, table_path
from osler.spine.study.request import Request

__all__ = ["Request", "StudyFile", "ask", "describe", "table_path", "with_question"]
