"""Drives a daemon by its OpenAPI description with schemathesis: no 5xx, no undocumented status, type or shape.

    schema.py OPENAPI.json SECONDS

The description is completed, in memory, by what the recorded traffic of the service shows and it does not say (docs/twin-api.md):
null at the end of lists, the problem document that malformed patches get, and the answer to a second bulk job. Without the first completion of all, a known
api-version, nearly every generated call would end at that check.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from conftest import VERSION, Daemon

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"


def completed(description):
    description["parameters"]["api-version"]["enum"] = [VERSION]
    for definition in description["definitions"].values():
        for name in ("nextLink", "continuationToken"):
            if name in definition.get("properties", {}):
                definition["properties"][name]["x-nullable"] = True
    # A second bulk job while one runs gets its error document as a string within JSON.
    for path, method in (("/jobs/deletions", "post"), ("/jobs/imports/{id}", "put")):
        description["paths"][path][method]["responses"]["429"] = {"description": "Another job runs.", "schema": {"type": "string"}}
    for path in description["paths"].values():
        if "patch" in path:
            path["patch"]["produces"] = ["application/json", "application/problem+json"]
            path["patch"]["responses"]["400"] = {"description": "An error, or a problem document.", "schema": {"type": "object"}}
    return description


def main():
    source, seconds = pathlib.Path(sys.argv[1]), sys.argv[2]
    daemon = Daemon("http:\n  endpoints: [audit]\n")
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "openapi.json")
            file.write_text(json.dumps(completed(json.loads(source.read_text()))))
            ended = subprocess.run(
                [pathlib.Path(sys.executable).parent / "st", "run", file, "--url", daemon.url, "--checks", CHECKS, "--mode", "all",
                 "--max-time", seconds, "--warnings", "off", "--no-color"], cwd=folder)
    finally:
        code = daemon.stop()
    sys.exit(ended.returncode or code)


main()
