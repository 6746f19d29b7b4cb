"""MiniStack with its gaps filled, in process: what it refuses or leaves out of AWS, and this product needs.

Runs as `ministack` does (GATEWAY_PORT, BIND_HOST, AUTH, USE_SSL, ...). What it fills is looked for at start: where another
version has moved it, this ends with a line that says what, instead of running a chain that quietly does less.
"""

import hashlib
import inspect
import json
import os
import sys
import threading
import time

from ministack import app
from ministack.services import athena, batch, eventbridge, lambda_svc, s3, sqs, sts
from ministack.services.cloudformation import provisioners


def must_have(module, name, *parameters):
    found = getattr(module, name, None)
    known = inspect.signature(found).parameters if callable(found) else ()
    missing = [parameter for parameter in parameters if parameter not in known]
    if found is None or missing:
        sys.exit(f"Expected MiniStack 1.5.33, whose {module.__name__}.{name} takes {parameters}: install that version.")
    return found


def events_of_batch():
    """Only AWS may say that it is aws.batch; here the Batch endpoint beside this process is AWS."""
    put_events = must_have(eventbridge, "_put_events", "data", "allow_aws_source")

    def put_also_batch(data, allow_aws_source=False):
        ours = all(entry.get("Source") == "aws.batch" for entry in data.get("Entries", []))
        return put_events(data, allow_aws_source or ours)

    eventbridge._put_events = put_also_batch


def versions_in_events():
    """S3's own events carry the version of the object that was created."""
    fire = must_have(s3, "_fire_s3_event", "bucket_name", "key", "version_id", "sequencer")
    dispatch = must_have(eventbridge, "_dispatch_event", "event", "view")
    signature = inspect.signature(fire)
    # Each event is fired on a thread of its own.
    current = threading.local()

    def fire_with_version(*args, **kwargs):
        current.version = signature.bind(*args, **kwargs).arguments.get("version_id")
        try:
            return fire(*args, **kwargs)
        finally:
            current.version = None

    def dispatch_with_version(event, view=None):
        version = getattr(current, "version", None)
        if event.get("Source") == "aws.s3" and version and view is None:
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, view)

    s3._fire_s3_event = fire_with_version
    eventbridge._dispatch_event = dispatch_with_version


def whole_batches():
    """An event source mapping gathers up to BatchSize messages within its window, not what one receive gives."""
    receive = must_have(sqs, "_receive_messages_for_esm", "queue_url", "max_number")
    mappings = must_have(lambda_svc, "_iter_all_esms")
    queues = must_have(sqs, "_queues")
    # s; a test that sends a few uploads at a time waits for nothing in the template's window.
    longest = float(os.environ.get("IQPIR_EMULATOR_WINDOW", "900"))

    def window_of(queue):
        arn = queue["attributes"].get("QueueArn")
        found = (esm for _account, _region, esm in mappings() if esm.get("EventSourceArn") == arn)
        return min((next(found, None) or {}).get("MaximumBatchingWindowInSeconds") or 0, longest)

    def receive_up_to(queue_url, max_number):
        queue, now = queues.get(queue_url), time.time()
        waiting = [m.get("visible_at", 0) for m in (queue or {}).get("messages", []) if m.get("visible_at", 0) <= now]
        if queue and 0 < len(waiting) < max_number and now - min(waiting) < window_of(queue):
            return []
        gathered = receive(queue_url, max_number)
        while gathered and len(gathered) < max_number:
            more = receive(queue_url, max_number - len(gathered))
            if not more:
                break
            gathered = gathered + more
        return gathered

    sqs._receive_messages_for_esm = receive_up_to


def camel(value, keep_keys=False):
    """CloudFormation writes property names in Pascal case, the Batch API in camel case; maps of the user's keep their keys."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    maps = ("Parameters", "Tags", "Options")
    name = (lambda key: key) if keep_keys else (lambda key: key[:1].lower() + key[1:])
    return {name(key): camel(item, keep_keys=key in maps) for key, item in value.items()}


def called(function, request, named):
    status, _headers, body = function(request)
    if status >= 400:
        raise ValueError(f"{named}: {body!r}")
    return json.loads(body)


def compute_environment(logical_id, props, stack):
    name = props.get("ComputeEnvironmentName") or provisioners._physical_name(stack, logical_id)
    arn = called(
        batch._create_compute_environment, {**camel(props), "computeEnvironmentName": name}, logical_id
    )["computeEnvironmentArn"]
    return arn, {"ComputeEnvironmentArn": arn}


def job_queue(logical_id, props, stack):
    name = props.get("JobQueueName") or provisioners._physical_name(stack, logical_id)
    arn = called(batch._create_job_queue, {**camel(props), "jobQueueName": name}, logical_id)["jobQueueArn"]
    return arn, {"JobQueueArn": arn}


def job_definition(logical_id, props, stack):
    name = props.get("JobDefinitionName") or provisioners._physical_name(stack, logical_id)
    definition = {**camel(props), "jobDefinitionName": name}
    arn = called(batch._register_job_definition, definition, logical_id)["jobDefinitionArn"]
    # It keeps the container alone; retries, timeout and parameters are as much of the definition.
    batch._job_definitions[name][-1].update(definition)
    role = definition.get("containerProperties", {}).get("jobRoleArn")
    if role and app.AUTH:
        sts.register_session(*session_of(role))
    return arn, {"JobDefinitionArn": arn}


def session_of(role):
    """The session a job runs under. test/support/aws/batch/credentials.ts makes the same keys of the same role."""
    digest = hashlib.sha256(f"batch:{role}".encode()).hexdigest()
    account, name = role.split(":")[4], role.rsplit("/", 1)[-1]
    return f"ASIA{digest[:16].upper()}", {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/batch",
        "UserId": f"{name}:batch",
        "SecretAccessKey": digest,
        "SessionToken": digest[::-1],
    }


def named_query(logical_id, props, _stack):
    query = called(athena._create_named_query, props, logical_id)["NamedQueryId"]
    return query, {"NamedQueryId": query}


def resource_types():
    handlers = must_have(provisioners, "_RESOURCE_HANDLERS")
    must_have(provisioners, "_physical_name", "stack_name", "logical_id")
    must_have(batch, "_job_definitions")
    must_have(sts, "register_session", "access_key", "session")
    for function in ("_create_compute_environment", "_create_job_queue", "_register_job_definition"):
        must_have(batch, function, "p")
    must_have(athena, "_create_named_query", "data")
    created = {
        "AWS::Batch::ComputeEnvironment": compute_environment,
        "AWS::Batch::JobQueue": job_queue,
        "AWS::Batch::JobDefinition": job_definition,
        "AWS::Athena::NamedQuery": named_query,
    }
    for resource, create in created.items():
        # Stacks are thrown away with the process: nothing to delete.
        handlers.setdefault(resource, {"create": create, "delete": lambda _id, _props: None})


def network_ranges():
    """Security groups of endpoints let in the network's own range, which is an attribute of it."""
    network = must_have(provisioners, "_RESOURCE_HANDLERS")["AWS::EC2::VPC"]
    create = network["create"]

    def create_with_range(logical_id, props, stack):
        physical_id, attributes = create(logical_id, props, stack)
        return physical_id, {"CidrBlock": props.get("CidrBlock"), **attributes}

    network["create"] = create_with_range


def alarms_over_expressions():
    """It watches single metrics. An alarm over an expression is taken and never rings: nobody here listens to alarms."""
    alarm = must_have(provisioners, "_RESOURCE_HANDLERS")["AWS::CloudWatch::Alarm"]
    create, delete = alarm["create"], alarm["delete"]
    unwatched = set()

    def create_or_note(logical_id, props, stack):
        if "Metrics" not in props:
            return create(logical_id, props, stack)
        name = props.get("AlarmName") or provisioners._physical_name(stack, logical_id)
        unwatched.add(name)
        return name, {"Arn": f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"}

    alarm["create"] = create_or_note
    alarm["delete"] = lambda name, props: None if name in unwatched else delete(name, props)


def no_second_port():
    """With TLS it would also take port 443 where it may."""
    must_have(app, "_port_is_bindable", "host", "port")
    app._port_is_bindable = lambda _host, _port: False


if __name__ == "__main__":
    for fill in (
        events_of_batch,
        versions_in_events,
        whole_batches,
        resource_types,
        network_ranges,
        alarms_over_expressions,
        no_second_port,
    ):
        fill()
    app.main()
