"""lambda/template.yaml and lambda/Dockerfile: clean for their linters, and closed unless somebody opens them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from overread_lambda.image_bytes import HOSTS_VARIABLE
from overread_lambda.records import MODEL_VARIABLE
from overread_lambda.result_store import BUCKET_VARIABLE, PREFIX_VARIABLE

from tests.overread_lambda.conftest import LAMBDA


def tool(name: str) -> str:
    """Return the path of a program of this environment; skip without it."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    return found or pytest.skip(f"{name} is missing: pip install -r lambda/requirements-dev.txt")


def test_cfn_lint_finds_nothing() -> None:
    command = [tool("cfn-lint"), "--include-checks", "I", "--regions", "eu-central-1", "us-east-1", "--"]
    ran = subprocess.run(
        [*command, str(LAMBDA / "template.yaml")],
        capture_output=True,
        text=True,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_hadolint_finds_nothing() -> None:
    ran = subprocess.run([tool("hadolint"), str(LAMBDA / "Dockerfile")], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The template's resources after the SAM transform, with intrinsic functions as dicts."""
    decode = pytest.importorskip("cfnlint.decode", reason="needs: pip install -r lambda/requirements-dev.txt")
    from samtranslator.translator.transform import transform

    template, problems = decode.decode(str(LAMBDA / "template.yaml"))
    assert not problems
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

    class NoManagedPolicies:
        def load(self) -> dict[str, str]:
            return {}

    transformed = transform(template, {}, NoManagedPolicies())
    resources: dict[str, Any] = transformed["Resources"]
    return resources


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def test_there_is_no_address_unless_switched_on_and_then_only_for_signed_requests(resources: dict[str, Any]) -> None:
    urls = of_type(resources, "AWS::Lambda::Url")
    assert {url["Condition"] for url in urls.values()} == {"ImageUrlOn", "ZipUrlOn"}
    assert {url["Properties"]["AuthType"] for url in urls.values()} == {"AWS_IAM"}
    template = (LAMBDA / "template.yaml").read_text()
    assert re.search(r'FunctionUrl:\n    Type: String\n    Default: "off"', template)


def test_nothing_else_opens_the_function(resources: dict[str, Any]) -> None:
    kinds = {resource["Type"] for resource in resources.values()}
    assert kinds == {
        "AWS::Lambda::Function",
        "AWS::Lambda::Version",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Url",
        "AWS::Lambda::Permission",
        "AWS::Lambda::EventSourceMapping",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
    }


def test_only_the_image_bucket_of_this_account_may_call_the_function(resources: dict[str, Any]) -> None:
    (permission,) = of_type(resources, "AWS::Lambda::Permission").values()
    assert permission["Condition"] == "BucketCalls"
    assert permission["Properties"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {
            "Fn::If": ["FromImage", {"Fn::GetAtt": ["ImageFunction", "Arn"]}, {"Ref": "ZipFunctionAliaslive"}]
        },
        "Principal": "s3.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
        "SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${ImageBucket}"},
    }


def test_a_queue_hears_which_messages_failed(resources: dict[str, Any]) -> None:
    (mapping,) = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    assert mapping["Condition"] == "ReadsQueue"
    assert mapping["Properties"]["EventSourceArn"] == {"Ref": "QueueArn"}
    assert mapping["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_role_may_do_nothing_but_write_its_log_unless_buckets_or_a_queue_are_named(
    resources: dict[str, Any],
) -> None:
    (role,) = of_type(resources, "AWS::IAM::Role").values()
    assert "ManagedPolicyArns" not in role["Properties"]
    log, *optional = role["Properties"]["Policies"]
    (statement,) = log["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == {"Fn::GetAtt": ["LogGroup", "Arn"]}
    allowed = {}
    for policy in optional:
        condition, named, nothing = policy["Fn::If"]
        assert nothing == {"Ref": "AWS::NoValue"}
        (statement,) = named["PolicyDocument"]["Statement"]
        allowed[condition] = (statement["Action"], statement["Resource"])
    bucket = "arn:${AWS::Partition}:s3:::"
    assert allowed == {
        "ReadsBucket": ("s3:GetObject", {"Fn::Sub": bucket + "${ImageBucket}/*"}),
        "StoresResults": ("s3:PutObject", {"Fn::Sub": bucket + "${ResultBucket}/${ResultPrefix}*.json"}),
        "ReadsQueue": (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], {"Ref": "QueueArn"}),
    }


def test_the_function_knows_the_settings_of_the_template(resources: dict[str, Any]) -> None:
    for function in of_type(resources, "AWS::Lambda::Function").values():
        assert function["Properties"]["Environment"]["Variables"] == {
            HOSTS_VARIABLE: {"Ref": "UrlHosts"},
            MODEL_VARIABLE: {"Ref": "Model"},
            BUCKET_VARIABLE: {"Ref": "ResultBucket"},
            PREFIX_VARIABLE: {"Ref": "ResultPrefix"},
        }


def test_both_functions_have_the_same_limits(resources: dict[str, Any]) -> None:
    image, packed = (
        of_type(resources, "AWS::Lambda::Function")[name]["Properties"] for name in ("ImageFunction", "ZipFunction")
    )
    for name in ("MemorySize", "Timeout", "ReservedConcurrentExecutions", "LoggingConfig", "Role", "Architectures"):
        assert image[name] == packed[name]
    assert image["PackageType"] == "Image"
    assert (packed["Handler"], packed["Runtime"]) == ("overread_lambda.handler.handler", "python3.12")


def test_the_image_is_pinned_multi_stage_and_runs_without_root() -> None:
    lines = (LAMBDA / "Dockerfile").read_text().splitlines()
    stages = [line for line in lines if line.startswith("FROM ")]
    assert len(stages) == 2
    assert all("public.ecr.aws/lambda/python:3.12" in stage for stage in stages)
    assert [line for line in lines if line.startswith("USER ")] == ["USER 65534:65534"]


def test_every_pin_is_exact() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (LAMBDA / name).read_text().splitlines():
            assert re.fullmatch(r"#.*|-r requirements\.txt|[A-Za-z0-9-]+==[0-9.]+", line), line
