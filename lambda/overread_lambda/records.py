"""Answers S3 event notifications and SQS messages, which is how a bucket of images is read without a client.

S3 names the image, ``OVERREAD_MODEL`` the model. An SQS message holds an S3 notification, one wrapped by SNS, or the
same JSON as a direct invocation. Each image gets one line in the log and, where a result bucket is set, one JSON object
(result_store.py): ``{"image": "s3://bucket/key", ...}`` with the prediction or the error.

An image that cannot be read, or that the guard refuses, gets an error as its answer. Where a later attempt can succeed
(S3 unreachable, a wrong setting, a fault of the function) there is no answer: SQS keeps the message, and an S3 event
ends with an exception, after which Lambda calls the function again.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard
from urllib.parse import unquote_plus

from overread.errors import InputError, OverreadError
from overread_lambda.answers import Json, batch_json, error_json
from overread_lambda.events import Question, from_fields, is_http, json_object, mapping
from overread_lambda.log_lines import error_fields, write_line
from overread_lambda.request_errors import RecordsFailedError, RequestError, SettingError, status_of
from overread_lambda.result_store import ResultStore
from overread_lambda.s3_objects import S3Object

MODEL_VARIABLE = "OVERREAD_MODEL"
S3, SQS = "aws:s3", "aws:sqs"
LOGGED_ELSEWHERE = ("heatmap", "overlay_png_base64")  # too long for a line of the log; the stored answer has them

AnswerQuestion = Callable[[Question | Exception], Json]


@dataclass(frozen=True)
class Item:
    """One image of an event, or what is wrong with its record."""

    label: str  # in the log and in the answer: "s3://bucket/key", or the id of the message
    question: Question | Exception
    result_name: str = ""  # the stored answer's key without prefix and suffix; empty: the answer is not stored


def is_records_event(event: object) -> TypeGuard[Mapping[str, Any]]:
    """Return whether the event comes from S3 or SQS."""
    return isinstance(event, dict) and not is_http(event) and ("Records" in event or _is_test_event(event))


class RecordReader:
    """Answers the records of one event."""

    def __init__(self, answer_question: AnswerQuestion, model_choices: Sequence[str], request_id: str) -> None:
        """Read the settings from the environment.

        Args:
            answer_question: returns the answer to a question, as JSON; an error in place of a question is raised.
            model_choices: what ``OVERREAD_MODEL`` may be.
            request_id: goes into each line of the log.
        """
        self._answer_question = answer_question
        self._model_choices = model_choices
        self._request_id = request_id
        self._store = ResultStore.from_environment()

    def answer(self, event: Mapping[str, Any]) -> Json:
        """Return ``{"batchItemFailures": [...]}`` for SQS and ``{"predictions": [...]}`` for S3.

        Raises:
            RequestError: the event is neither from SQS nor from S3.
            RecordsFailedError: an S3 event must be delivered again.
        """
        if _is_test_event(event):
            return batch_json([])
        records = event["Records"]
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise RequestError("`Records` must be a list of objects, as S3 and SQS send it.")
        sources = {str(record.get("eventSource")) for record in records}
        if sources == {SQS}:
            failed = [str(message.get("messageId", "")) for message in records if not self._answer_message(message)]
            return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
        if sources == {S3}:
            return self._answer_notification(records)
        raise RequestError(
            f"Records from {', '.join(sorted(sources))[:80] or 'nowhere'} are not read: send S3's or SQS's."
        )

    def _answer_notification(self, records: Sequence[Mapping[str, Any]]) -> Json:
        outcomes = [self._answer_item(item) for item in self._named_by_s3(records)]
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if errors:
            reason = str(errors[0]) if isinstance(errors[0], OverreadError) else type(errors[0]).__name__
            raise RecordsFailedError(f"{len(errors)} of {len(outcomes)} images got no answer: {reason}")
        return batch_json([outcome for outcome in outcomes if not isinstance(outcome, Exception)])

    def _answer_message(self, message: Mapping[str, Any]) -> bool:
        """Return whether SQS may delete the message. Every image is answered, also after one that failed."""
        outcomes = [self._answer_item(item) for item in self._items_of_message(message)]
        return not any(isinstance(outcome, Exception) for outcome in outcomes)

    def _answer_item(self, item: Item) -> Json | Exception:
        """Return the answer, logged and stored, or the error after which another attempt makes sense."""
        line: Json = {"request_id": self._request_id, "image": item.label}
        try:
            status, answer = self._status_and_answer(item.question)
            if self._store and item.result_name:
                self._store.write(item.result_name, {"image": item.label, **answer})
        except Exception as error:
            write_line({**line, "status": status_of(error), **error_fields(error)})
            return error
        logged = {name: value for name, value in answer.items() if name not in LOGGED_ELSEWHERE}
        write_line({**line, "status": status, **logged})
        return answer

    def _status_and_answer(self, question: Question | Exception) -> tuple[int, Json]:
        try:
            return 200, self._answer_question(question)
        except InputError as error:
            return status_of(error), error_json(error)

    def _items_of_message(self, message: Mapping[str, Any]) -> Iterator[Item]:
        message_id = str(message.get("messageId", ""))
        try:
            fields = json_object(str(message.get("body", "")))
            if fields.get("Type") == "Notification" and isinstance(fields.get("Message"), str):  # SNS
                fields = json_object(fields["Message"])
            if _is_test_event(fields):
                return
            records = fields.get("Records")
            if isinstance(records, list):
                yield from self._named_by_s3([mapping(record) for record in records])
                return
            request = from_fields(fields)
        except RequestError as error:
            yield Item(message_id, error, message_id)
            return
        for number, question in enumerate(request.questions, start=1):
            if isinstance(question, Question) and isinstance(question.image, S3Object):
                yield Item(str(question.image), question, question.image.key)
            else:
                name = f"{message_id}-{number}" if request.batch else message_id
                yield Item(name, question, name)

    def _named_by_s3(self, records: Sequence[Mapping[str, Any]]) -> Iterator[Item]:
        for record in records:
            s3 = mapping(record.get("s3"))
            bucket, key = mapping(s3.get("bucket")).get("name"), mapping(s3.get("object")).get("key")
            if record.get("eventSource") != S3 or not isinstance(bucket, str) or not isinstance(key, str):
                yield Item("", RequestError("The record is no S3 event notification with a bucket's name and a key."))
                continue
            place = S3Object(bucket, unquote_plus(key))  # S3 encodes keys in notifications as in a query string
            reason = self._reason_to_skip(str(record.get("eventName", "")), place)
            if reason:
                write_line(
                    {"request_id": self._request_id, "image": str(place), "outcome": "skipped", "message": reason}
                )
                continue
            yield Item(str(place), self._question_about(place), place.key)

    def _reason_to_skip(self, event_name: str, place: S3Object) -> str:
        if not event_name.startswith("ObjectCreated:"):
            return f"{event_name or 'The event'} creates no object."
        if place.key.endswith("/"):
            return "This is a folder."
        if self._store and self._store.may_contain(place):
            return "This is an answer of this function."
        return ""

    def _question_about(self, place: S3Object) -> Question | SettingError:
        model = os.environ.get(MODEL_VARIABLE, "")
        if model in self._model_choices:
            return Question(place, model)
        choices = ", ".join(self._model_choices)
        return SettingError(
            f"S3 names images, not models: set {MODEL_VARIABLE} to one of {choices}. It is {model[:80]!r} now."
        )


def _is_test_event(event: Mapping[str, Any]) -> bool:
    """S3 sends it when a notification is set up; it names no object."""
    return event.get("Event") == "s3:TestEvent"
