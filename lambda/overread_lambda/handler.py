"""The Lambda function: event in, answer out. Handler: ``overread_lambda.handler.handler``.

Events: see events.py, and records.py for S3 and SQS. Answers: see answers.py. Every model of the catalogue is loaded in
the init phase, which Lambda runs once per execution environment. Each event leaves one line in the log (log_lines.py),
and each image of an S3 or SQS event one more.
"""

from time import perf_counter

from overread.service import Service
from overread_lambda.answers import Json, batch_json, error_json, http_response, prediction_json
from overread_lambda.events import Question, is_http, parse
from overread_lambda.image_bytes import read
from overread_lambda.log_lines import error_fields, write_line
from overread_lambda.records import RecordReader, is_records_event
from overread_lambda.request_errors import RecordsFailedError, RequestError, status_of

MODELS = Service()


def handler(event: object, context: object) -> Json:
    """Return the answer to one Lambda event, which may be an error.

    Raises:
        RecordsFailedError: an S3 event must be delivered again; Lambda does so only after an exception.
    """
    started = perf_counter()
    request_id = str(getattr(context, "aws_request_id", ""))
    log: Json = {"request_id": request_id}
    failed: RecordsFailedError | None = None
    try:
        body, status = _answer(event, log), 200
    except Exception as error:
        body, status = {**error_json(error), "request_id": request_id}, status_of(error)
        log |= error_fields(error)
        failed = error if isinstance(error, RecordsFailedError) else None
    answer = http_response(status, body) if is_http(event) else body
    write_line({**log, "status": status, "milliseconds": round((perf_counter() - started) * 1000, 2)})
    if failed:
        raise failed
    return answer


def _answer(event: object, log: Json) -> Json:
    if is_records_event(event):
        answer = RecordReader(answer_question, MODELS.choices(), log["request_id"]).answer(event)
        log["outcome"] = "answered"
        return answer
    request = parse(event)
    log["models"] = [getattr(question, "model", "")[:80] for question in request.questions]
    if not request.batch:
        answer = answer_question(request.questions[0])
        log["outcome"] = "answered"
        return answer
    answers, outcomes = [], []
    for question in request.questions:
        try:
            answers.append(answer_question(question))
            outcomes.append("answered")
        except Exception as error:
            answers.append(error_json(error))
            outcomes.append(type(error).__name__)
            log |= error_fields(error)
    log["outcome"] = outcomes
    return batch_json(answers)


def answer_question(question: Question | Exception) -> Json:
    """Return the prediction for one image, as JSON.

    Raises:
        Exception: ``question`` itself, if it is an error.
        RequestError: the question names no model.
        RefusedImageError: the image is not of the kind that the model reads.
        InputError: its other subclasses say what is wrong with the image or the names.
        S3UnavailableError: the image is in S3, which cannot be reached now.
    """
    if isinstance(question, Exception):
        raise question
    if not question.model:
        raise RequestError(f"Name the `model`: one of {', '.join(MODELS.choices())}.")
    classifier = MODELS.find(question.model)
    classifier.config.operating_point(question.operating_point)  # a wrong name is refused before anything is fetched
    prediction = classifier.predict(
        read(question.image), question.operating_point, question.smooth, question.answer_anyway
    )
    return prediction_json(prediction, question.heatmap)
