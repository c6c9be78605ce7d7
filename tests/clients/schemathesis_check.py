#!/usr/bin/env python3
"""Lets Schemathesis try the whole API by its own description, as each of three who may ask.

    schemathesis_check.py BASE FOLDER

BASE is the server's URL; FOLDER takes reports. The environment brings the tokens: CREAM_READER, CREAM_USER,
CREAM_ADMIN, and CREAM_LEAVER, a session that ends. All checks are on. Exits with 1 and tells each failure.

Schemathesis loads this file too, for the hooks below: they say what a schema cannot.
"""

import os
import re
import subprocess
import sys
import time

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

# Those whose tokens the run needs.
PEOPLE = {"1", "2"}
# Their tokens: what the test makes last.
SESSIONS = {"3", "44", "45", "46"}


@schemathesis.hook
def filter_case(context, case):
    """Leaves the accounts of the run, and its own session, alone."""
    wanted = str((case.path_parameters or {}).get("id", ""))
    if case.operation.label == "PATCH /admin/users/{id}":
        return wanted not in PEOPLE
    if case.operation.label == "DELETE /auth/tokens/{id}":
        return wanted not in SESSIONS
    return True


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops what is no failure: valid by the schema, and refused by a rule that a schema cannot tell."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    problem = response.json()
    code = problem.get("code")
    if code in ("not_adjustable", "unknown_spelling", "not_a_dead_letter", "too_many_tracked", "name_taken", "last_admin", "too_many_tokens", "login_limited"):
        # By what is held, and not by what is asked.
        return False
    if "chart" in problem:
        # The same in the chart's shape: the two ends are in the wrong order, or the prices are not adjustable.
        told = problem["chart"]["error"]["description"]
        return response.status_code != 422 and "start date cannot be after end date" not in told
    allowed = (
        # One must have been given it.
        ("cursor", r"^it is not a cursor|^it belongs to another query"),
        # Of two dates.
        ("start", r"after its end"),
        # Of a list within a text.
        ("symbols", r"more than once"),
        # A vendor that the settings do not let be asked.
        ("vendor", r"^expected a vendor that can be asked"),
        # More than the asking token may, which is a matter of who asks.
        ("scopes", r"^you may give no more than"),
        # A length in bytes, and a comparison.
        ("password", r"1024 bytes|name"),
        ("new", r"1024 bytes|name"),
    )
    errors = problem.get("errors") or []
    return not errors or not all(
        any(error["field"] == field and re.search(text, error["message"]) for field, text in allowed)
        for error in errors
    )


def run(base, folder, who, *options):
    """One run of the command line, with its time."""
    token = os.environ[f"CREAM_{who.upper()}"]
    here = os.path.dirname(os.path.abspath(__file__))
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_check", "PYTHONPATH": here, "NO_PROXY": "*"}
    begun = time.monotonic()
    result = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--no-color", "run", f"{base}/openapi.json",
            "--checks", "all", "--seed", "7", "--continue-on-failure", "--no-shrink",
            "--suppress-health-check", "all", "--warnings", "off",
            "--generation-database", "none", "--header", f"Authorization: Bearer {token}", *options,
        ],
        cwd=folder, env=environment, capture_output=True, text=True,
    )
    print(f"{who} {' '.join(options)}: {time.monotonic() - begun:.0f} s, exit code {result.returncode}")
    if result.returncode:
        print(result.stdout.replace(token, "TOKEN"), result.stderr, sep="\n")
    return result.returncode


def main():
    base, folder = sys.argv[1:]
    # Ending a session leaves who asks without one, so that it is tried alone, and first, while it is there.
    failed = run(base, folder, "leaver", "--max-examples", "10", "--include-operation-id", "logOut")
    for who in ("reader", "user", "admin"):
        failed |= run(base, folder, who, "--max-examples", "10", "--exclude-operation-id", "logOut")
    if failed:
        sys.exit(1)
    print("4 runs found nothing")


if __name__ == "__main__":
    main()
