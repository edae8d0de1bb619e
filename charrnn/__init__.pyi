from charrnn import errors as errors
from charrnn.api.evaluation import Evaluation as Evaluation
from charrnn.api.gradcheck import GradientCheck as GradientCheck
from charrnn.api.gradcheck import gradcheck as gradcheck
from charrnn.api.gradflow import GradientFlow as GradientFlow
from charrnn.api.gradflow import gradflow as gradflow
from charrnn.api.inspection import Inspection as Inspection
from charrnn.api.inspection import inspect as inspect
from charrnn.api.listing import list_runs as list_runs
from charrnn.api.mixing import MixResult as MixResult
from charrnn.api.mixing import mix as mix
from charrnn.api.model import Model as Model
from charrnn.api.model import load as load
from charrnn.api.planning import plan as plan
from charrnn.api.run import Run as Run
from charrnn.api.run import Training as Training
from charrnn.api.scores import Scores as Scores
from charrnn.api.settings import load_config as load_config
from charrnn.api.survey import TextSurvey as TextSurvey
from charrnn.api.survey import survey as survey
from charrnn.api.sweep import SweepResult as SweepResult
from charrnn.api.sweep import sweep as sweep
from charrnn.api.training import resume as resume
from charrnn.api.training import train as train
from charrnn.api.training import training_events as training_events
from charrnn.api.writing import write_report as write_report
from charrnn.config import Config as Config
from charrnn.errors import Notice as Notice
from charrnn.runs.listing import RunInfo as RunInfo
from charrnn.runs.planning import Plan as Plan
from charrnn.training import events as events

__version__: str
__all__: list[str]
