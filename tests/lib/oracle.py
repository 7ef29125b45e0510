# SPDX-License-Identifier: Apache-2.0
"""What `policy-gate check` says of objects, to compare answers with."""

import collections
import json
import re

from lib import gate, paths

CODE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)*(?=: )")
GENERATION = re.compile(r"\b([a-z]+(?:-[a-z]+)*)-g(\d+)\b")

# verdict; rules with findings, without "-gN"; codes of errors
Said = collections.namedtuple("Said", "verdict rules codes")


def said(answer):
    """What an answer to a review says, and by which policies, as numbers."""
    annotations = answer.get("auditAnnotations", {})
    names = GENERATION.findall(json.dumps(answer))
    codes = CODE.findall(annotations.get("error", ""))
    return Said(annotations.get("verdict"), frozenset(r for r, _ in names),
                frozenset(codes)), {int(n) for _, n in names}


class Oracle:
    """
    objects:  each with a name of its own
    policies: texts, whose rules are all called NAME-gN
    """

    def __init__(self, objects, policies, config):
        folder = paths.work() / "oracle"
        folder.mkdir()
        for obj in objects:
            (folder / f"{obj['metadata']['name']}.json").write_text(
                json.dumps(obj))
        self.verdicts = [self.check(paths.write(f"oracle-{n}.yaml", text),
                                    config, folder)
                         for n, text in enumerate(policies)]

    @staticmethod
    def check(policy, config, folder):
        document, _ = gate.check(policy, config, "-f", folder)
        return {w["name"]: Said(
            w["verdict"],
            frozenset(GENERATION.sub(r"\1", f["rule"]) for i in w["images"]
                      for f in i["findings"]),
            frozenset(i["error"]["code"] for i in w["images"] if i["error"]))
            for w in document["workloads"]}

    def __call__(self, number, obj):
        """What is said of the object by the policy of that number."""
        return self.verdicts[number][obj["metadata"]["name"]]
