#!/usr/bin/env python3
"""Tells whether a file is a valid OpenAPI 3.1 document, and each example valid against its schema.

    openapi_check.py FILE

Exits with 1 and tells each fault.
"""

import json
import sys

from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator

document = json.load(open(sys.argv[1], encoding="utf-8"))
faults = [f"{list(error.path)}: {error.message}" for error in OpenAPIV31SpecValidator(document).iter_errors()]


def look(node, place):
    """Holds the examples of media types, parameters and headers against their schemas, with patterns and formats."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            look(item, f"{place}/{index}")
    if not isinstance(node, dict):
        return
    if isinstance(node.get("schema"), dict):
        examples = [example["value"] for example in node.get("examples", {}).values()]
        examples += [node["example"]] if "example" in node else []
        schema = {**node["schema"], "components": document["components"]}
        validator = Draft202012Validator(schema, format_checker=FormatChecker())
        for example in examples:
            for error in validator.iter_errors(example):
                faults.append(f"{place}: {error.json_path}: {error.message}")
    for key, item in node.items():
        if key not in ("example", "examples", "schemas"):
            look(item, f"{place}/{key}")


look(document, "")
for fault in faults:
    print(fault, file=sys.stderr)
if faults:
    sys.exit(1)
print(f"valid OpenAPI 3.1, {len(document['paths'])} paths")
