"""Print what Python's configparser makes of the cases in cases.txt, as JSON.

Usage: python3 oracle.py cases.txt > golden.json

The cases are separated by lines of "----". For each one the result is either
{"error": true} or the sections with, per key, the raw value and the value
with its references resolved (null when that fails).
"""
import configparser
import json
import sys


def load(text, interpolation):
    p = configparser.ConfigParser({"job_name": "job"}, interpolation=interpolation)
    p.read_string(text)
    return p


def result(text):
    try:
        p = load(text, configparser.BasicInterpolation())
    except configparser.Error:
        return {"error": True}
    out = {}
    for sect in p.sections():
        keys = {}
        # Skytools reads the file again when the section has config_format = 2
        q = p
        try:
            if int(p.get(sect, "config_format", raw=True, fallback="1")) >= 2:
                q = load(text, configparser.ExtendedInterpolation())
        except ValueError:
            pass
        for key in q.options(sect):
            try:
                value = q.get(sect, key)
            except configparser.Error:
                value = None
            keys[key] = {"raw": q.get(sect, key, raw=True), "value": value}
        out[sect] = keys
    return {"sections": out}


def main():
    # newline="" and the replace: lone carriage returns reach the parser as Python's own files have them
    with open(sys.argv[1], encoding="utf-8", newline="\n") as f:
        cases = f.read().split("----\n")
    out = [result(c.replace("\\r", "\r").replace("\r\n", "\n").replace("\r", "\n")) for c in cases]
    json.dump(out, sys.stdout, indent=1, sort_keys=True)
    print()


main()
