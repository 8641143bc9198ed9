"""The Lambda function: decodes the event, asks the models, encodes the answer. Handler: ``handler.handler``.

Event: see events.py. Answer: see answers.py. Both models load in the init phase, which Lambda runs once per execution
environment. Each request leaves one line of JSON in the log, never a pixel.
"""

import json
import traceback
from time import perf_counter

from overread.catalogue import catalogue
from overread.classifier import Classifier
from overread.errors import OverreadError, UnknownModelError
from overread.service import Service
from overread_lambda.answers import Json, batch_json, error_json, http_response, prediction_json
from overread_lambda.events import Question, is_http, parse
from overread_lambda.pictures import read
from overread_lambda.request_errors import RequestError, status_of
from overread_lambda.threads import threads


def _by_name_and_domain(service: Service) -> dict[str, Classifier]:
    """Return every model under its name, and each domain's default under the domain."""
    entries = catalogue().values()
    return {
        **{entry.name: service.classifier(entry.domain, entry.name) for entry in entries},
        **{entry.domain: service.classifier(entry.domain) for entry in entries},
    }


MODELS = _by_name_and_domain(Service(threads()))


def handler(event: object, context: object) -> Json:
    """Return the answer to one Lambda event; whatever goes wrong is an answer too."""
    started = perf_counter()
    request_id = str(getattr(context, "aws_request_id", ""))
    log: Json = {"request_id": request_id}
    try:
        body, status = _answer(event, log), 200
    except Exception as error:
        body, status = {**error_json(error), "request_id": request_id}, status_of(error)
        log |= _told(error)
    answer = http_response(status, body) if is_http(event) else body
    log |= {"status": status, "milliseconds": round((perf_counter() - started) * 1000, 2)}
    print(json.dumps(log), flush=True)
    return answer


def _answer(event: object, log: Json) -> Json:
    request = parse(event)
    log["models"] = [getattr(question, "model", "")[:80] for question in request.questions]
    if not request.batch:
        answer = _one(request.questions[0])
        log["outcome"] = "answered"
        return answer
    answers, outcomes = [], []
    for question in request.questions:
        try:
            answers.append(_one(question))
            outcomes.append("answered")
        except Exception as error:
            answers.append(error_json(error))
            outcomes.append(type(error).__name__)
            log |= _told(error)
    log["outcome"] = outcomes
    return batch_json(answers)


def _one(question: Question | Exception) -> Json:
    if isinstance(question, Exception):
        raise question
    if not question.model:
        raise RequestError(f"Name the `model`: one of {', '.join(MODELS)}.")
    if question.model not in MODELS:
        raise UnknownModelError(f"There is no model {question.model[:80]!r}: choose one of {', '.join(MODELS)}.")
    classifier = MODELS[question.model]
    classifier.config.operating_point(question.operating_point)  # before anything is fetched
    prediction = classifier.predict(read(question.image), question.operating_point, question.smooth)
    return prediction_json(prediction, question.heatmap)


def _told(error: Exception) -> Json:
    """Return what the log says of an error; one that is not ours may quote what was sent, so only its place is told."""
    told: Json = {"outcome": type(error).__name__}
    if isinstance(error, OverreadError):
        told["message"] = str(error)
    else:
        told["traceback"] = "".join(traceback.format_tb(error.__traceback__))
    return told
