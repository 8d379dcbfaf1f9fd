#!/usr/bin/env python3
"""Compares wire/*.msg with Apache Kafka's own schemas: schemas.py JARDIR MSG...

Reads the JSON schemas out of the kafka-*.jar files of JARDIR. Compared are
kind, key, versions, and of each field, in order: name, type, versions,
nullable versions, tag, default, plain. Not the names of item types: ours are
shorter. Messages of our own (data meta_*) have no schema and are counted.
"""
import glob
import json
import re
import sys
import zipfile

PRIMITIVES = set("bool int8 int16 uint16 int32 uint32 int64 float64 "
                 "string bytes records uuid".split())
NUMBERS = {"INT32_MIN": -2**31, "INT32_MAX": 2**31 - 1, "INT64_MAX": 2**63 - 1}


def versions(text, outer):
    """'3', '3+', '3-7' cut to outer; None when nothing is left."""
    if text == "none":
        return None
    m = re.fullmatch(r"(\d+)(\+|-(\d+))?", text)
    low = int(m[1])
    high = low if not m[2] else outer[1] if m[2] == "+" else int(m[3])
    low, high = max(low, outer[0]), min(high, outer[1])
    return (low, high) if low <= high else None


def default(text):
    """One form for all ways to say a default; 0, "" and false are none."""
    text = str(text)
    if text in NUMBERS:
        return NUMBERS[text]
    if re.fullmatch(r"-?\d+|0x[0-9a-f]+", text):
        return int(text, 0) or None
    return None if text in ("", "false", "False") else text


def ours(path):
    """A .msg file as (head, fields); a field is a dict."""
    head, stack = None, []
    for line in open(path):
        line = line.split("#")[0].rstrip()
        if not line:
            continue
        words = line.split()
        depth = (len(line) - len(line.lstrip())) // 2
        if not head:
            head = {"kind": words.pop(0)}
            if words[0].isdigit():
                head["key"] = int(words.pop(0))
            head["name"], span = words[0], words[1] + ("" if "-" in words[1] else "-" + words[1])
            head["versions"] = tuple(map(int, span.split("-")))
            head["flexible"] = int(words[3]) if len(words) > 2 else None
            stack = [([], head["versions"])]
            continue
        del stack[depth + 1:]
        fields, outer = stack[depth]
        kind, _, null = words[1].partition("?")
        f = {"name": words[0].lower(), "array": kind.startswith("[]"),
             "type": kind.replace("[]", ""), "versions": outer, "tag": None,
             "default": None, "plain": False}
        rest = words[2:]
        while rest:
            word = rest.pop(0)
            if word == "tag":
                f["tag"] = int(rest.pop(0))
            elif word == "=":
                f["default"] = default(rest.pop(0))
            elif word == "plain":
                f["plain"] = True
            else:
                f["versions"] = versions(word, outer)
        if "?" in words[1]:
            f["nullable"] = versions(null or "0+", f["versions"])
        else:
            f["nullable"] = None
        f["fields"] = []
        if f["type"] not in PRIMITIVES:
            f["type"] = "struct"
            stack.append((f["fields"], f["versions"]))
        fields.append(f)
    return head, stack[0][0]


def theirs(schema, unstable):
    """An official schema in the same form."""
    kind = schema["type"]
    low, _, high = schema["validVersions"].partition("-")
    span = (int(low), int(high or low) - unstable)
    flexible = schema.get("flexibleVersions", "none")
    head = {"kind": "data" if kind.startswith("coordinator") else kind,
            "name": schema["name"], "versions": span,
            "flexible": None if flexible == "none" else int(flexible.rstrip("+"))}
    if kind in ("request", "response"):
        head["key"] = schema["apiKey"]
    common = {s["name"]: s["fields"] for s in schema.get("commonStructs", [])}

    def convert(fields, outer):
        out = []
        for x in fields:
            span = versions(x.get("versions") or x["taggedVersions"], outer)
            if not span:
                continue
            kind = x["type"].replace("[]", "")
            f = {"name": x["name"].lower(), "array": x["type"].startswith("[]"),
                 "type": kind if kind in PRIMITIVES else "struct",
                 "versions": span, "tag": x.get("tag"),
                 # Kafka's generator takes JSON's null for no default at all
                 "default": default("" if x.get("default", "") is None
                                    else x.get("default", "")),
                 "plain": x.get("flexibleVersions") == "none",
                 "nullable": None, "fields": []}
            if "nullableVersions" in x:
                f["nullable"] = versions(x["nullableVersions"], span)
            if "taggedVersions" in x and versions(x["taggedVersions"], span) != span:
                sys.exit(f"{schema['name']}.{x['name']}: a tag in some versions only")
            if f["type"] == "struct":
                f["fields"] = convert(x.get("fields") or common[kind], span)
            out.append(f)
        return out

    return head, convert(schema["fields"], span)


def compare(where, a, b, differences):
    """a is ours, b theirs. Tags from 10000 on are our own: Kafka skips them."""
    a = [x for x in a if (x["tag"] or 0) < 10000]
    for x, y in zip(a, b):
        at = f"{where}.{x['name']}"
        for k in x:
            if k != "fields" and x[k] != y[k]:
                differences.append(f"{at}: {k} is {x[k]}, Kafka's is {y[k]}")
        compare(at, x["fields"], y["fields"], differences)
    if len(a) != len(b):
        differences.append(f"{where}: {len(a)} fields, Kafka has {len(b)}")


def main():
    official = {}
    for jar in glob.glob(sys.argv[1] + "/kafka-*.jar"):
        with zipfile.ZipFile(jar) as z:
            for name in z.namelist():
                if re.fullmatch(r"common/message/\w+\.json", name):
                    text = re.sub(r"^\s*//.*$", "", z.read(name).decode(), flags=re.M)
                    schema = json.loads(text)
                    official[schema["name"]] = schema
    differences, compared, own = [], 0, 0
    for path in sys.argv[2:]:
        head, fields = ours(path)
        schema = official.get(head["name"])
        if not schema and head["kind"] == "data":
            own += 1
            continue
        if not schema:
            differences.append(f"{head['name']}: Kafka has no such message")
            continue
        request = official.get(re.sub("Response$", "Request", head["name"]), {})
        their_head, their_fields = theirs(schema, bool(request.get("latestVersionUnstable")))
        for k in their_head:
            if head.get(k) != their_head[k]:
                differences.append(f"{head['name']}: {k} is {head.get(k)}, Kafka's is {their_head[k]}")
        compare(head["name"], fields, their_fields, differences)
        compared += 1
    print("\n".join(differences) or f"{compared} definitions are Kafka's, {own} are our own")
    sys.exit(bool(differences) or not compared)


main()
