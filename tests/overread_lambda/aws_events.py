"""Events as AWS sends them (Lambda and API Gateway Developer Guides), cut to what is read."""

import json
from collections.abc import Mapping
from typing import Any

JsonValue = Any


def http_v2(body: str, content_type: str = "application/json", encoded: bool = False, **query: str) -> dict[str, Any]:
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


def rest_v1(body: str, content_type: str = "application/json", encoded: bool = False, **query: str) -> dict[str, Any]:
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


def body_of(response: Mapping[str, Any], status: int = 200) -> JsonValue:
    """Return the JSON in an HTTP response, whose status must be the one given."""
    assert response["statusCode"] == status, response["body"]
    assert response["headers"]["Content-Type"] == "application/json"
    assert response["isBase64Encoded"] is False
    return json.loads(response["body"])
