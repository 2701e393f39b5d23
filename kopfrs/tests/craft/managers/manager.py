#!/usr/bin/env python3
"""Does what greetings need, as the script of `init` does."""
import json
import os
import sys

operation = sys.argv[2]
call = json.load(sys.stdin)
metadata, text = call["object"]["metadata"], call["object"]["spec"]["text"]
os.makedirs("greetings", exist_ok=True)
file = f"greetings/{metadata['namespace']}.{metadata['name']}"
with open("greetings/log", "a") as log:
    log.write(f"{operation} {metadata['namespace']}.{metadata['name']}\n")
found = open(file).read() if os.path.exists(file) else None
if operation == "verify":
    sys.exit(214 if found is None else 211 if found == text else 215)
if operation == "delete":
    if found is None:
        sys.exit(224)
    os.remove(file)
    sys.exit(221)
with open(file, "w") as made:
    made.write(text)
print(json.dumps({"file": file}))
sys.exit(201)
