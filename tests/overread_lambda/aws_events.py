"""Events as AWS sends them (developer guides of Lambda, API Gateway, S3, SQS and SNS), cut to what is read."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

JsonValue = Any


def http_v2(body: Any, content_type: str = "application/json", encoded: bool = False, **query: str) -> dict[str, Any]:
    """Return a function URL's, or an HTTP API's, event (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "headers": {"content-type": content_type, "host": "abc.lambda-url.eu-central-1.on.aws"},
        **({"queryStringParameters": query} if query else {}),
        "requestContext": {"http": {"method": "POST", "path": "/", "protocol": "HTTP/1.1"}, "stage": "$default"},
        "body": body,
        "isBase64Encoded": encoded,
    }


def rest_v1(body: Any, content_type: str = "application/json", encoded: bool = False, **query: str) -> dict[str, Any]:
    """Return a REST API's proxy event (payload format 1.0)."""
    return {
        "resource": "/",
        "path": "/",
        "httpMethod": "POST",
        "headers": {"Content-Type": content_type},
        "multiValueHeaders": {"Content-Type": [content_type]},
        "queryStringParameters": query or None,
        "requestContext": {"resourcePath": "/", "httpMethod": "POST", "stage": "prod"},
        "body": body,
        "isBase64Encoded": encoded,
    }


def s3_notification(bucket: str, *keys: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    """Return the notification of objects in a bucket; S3 encodes their keys."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "us-east-1",
                "eventName": name,
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                    "object": {"key": quote_plus(key, safe="/"), "size": 1024},
                },
            }
            for key in keys
        ]
    }


def s3_test_event(bucket: str) -> dict[str, Any]:
    """Return the event that S3 sends when a notification is set up."""
    return {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-01T00:00:00.000Z", "Bucket": bucket}


def sns(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of an SQS message from an SNS topic, without raw message delivery."""
    return {
        "Type": "Notification",
        "MessageId": "5a1f",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:images",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(message),
    }


def sqs(*bodies: str) -> dict[str, Any]:
    """Return the event for messages of a queue, with the ids message-1, message-2, ..."""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": "AQEB",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:images",
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies, start=1)
        ]
    }


def body_of(response: Mapping[str, Any], status: int = 200) -> JsonValue:
    """Return the JSON in an HTTP response, whose status must be the one given."""
    assert response["statusCode"] == status, response["body"]
    assert response["headers"]["Content-Type"] == "application/json"
    assert response["isBase64Encoded"] is False
    return json.loads(response["body"])
