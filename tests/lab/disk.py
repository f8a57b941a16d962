#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes files in the ways of editors and package managers, and asks what portd says of it.

    disk.py SOCKET SITE POLICY_DIR OWN_POLICY_DIR"""
import os
import shutil
import sys
import time

from varlink import Client

PATIENCE = 60 # seconds; portd looks 0.2 s after the last change


class Disk:
    def __init__(self, argv):
        self.client = Client(argv[0])
        self.site, self.policies, self.own = argv[1:]
        self.drop_ins = os.path.join(os.path.dirname(self.site), "site.d")
        self.digest = self.client.call("Status")["digest"]
        self.failed = 0

    def warnings(self):
        status = self.client.call("Status")
        if status["digest"] != self.digest:
            raise SystemExit("disk: FAILED: the files were loaded")
        return [w["text"] for w in status["warnings"] if w["code"] == "changed-on-disk"]

    def await_text(self, what, *words):
        """Until the one warning has all words, or, without words, there is none."""
        end, texts = time.monotonic() + PATIENCE, None
        while texts is None or bool(texts) != bool(words) or not all(w in texts[0] for w in words):
            if time.monotonic() > end:
                self.failed += 1
                print(f"disk: FAILED: {what}: {texts}, not {words}")
                return
            texts = self.warnings()
            time.sleep(0.02)
        print(f"disk: {what}: {texts}")

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o644)

    def edit(self, path):
        """As an editor does: a new file of that name."""
        with open(path, encoding="utf-8") as f:
            text = f.read()
        self.write(path + "~", text + "\n")
        os.rename(path + "~", path)
        return text

    def site_file(self):
        text = self.edit(self.site)
        self.await_text("the site replaced", "site.json changed on disk", "s ago")
        self.write(self.site, text)
        self.await_text("the old text again")
        os.rename(self.site, self.site + ".old")
        self.await_text("the site away", "site.json was removed")
        os.rename(self.site + ".old", self.site)
        self.await_text("the site back")

    def drop_in(self):
        os.mkdir(self.drop_ins)
        self.write(f"{self.drop_ins}/note.txt", "no drop-in")
        self.write(f"{self.drop_ins}/a.json", "{}")
        self.await_text("a drop-in in a new directory", "site.d/a.json was added on disk")
        self.write(f"{self.drop_ins}/a.json", "{ }")
        self.edit(f"{self.policies}/host-baseline.json")
        self.await_text("a policy, too", "site.d/a.json was added on disk, and 1 more")

    def reload(self):
        self.client.call("Reload")
        if self.warnings():
            self.failed += 1
            print("disk: FAILED: loaded, and still told of:", self.warnings())

    def own_policy(self):
        os.makedirs(self.own)
        shutil.copy(f"{self.policies}/jtel-acd.json", self.own)
        self.await_text("a policy in a new directory", "etc/policy/jtel-acd.json was added",
                        "and 1 more")
        shutil.rmtree(os.path.dirname(self.own))
        self.await_text("the directory away")

    def gone(self):
        shutil.rmtree(self.drop_ins)
        self.await_text("a loaded drop-in away", "site.d/a.json was removed")
        self.reload()


def main():
    disk = Disk(sys.argv[1:])
    disk.await_text("nothing changed")
    disk.site_file()
    disk.drop_in()
    disk.reload()
    disk.own_policy()
    disk.gone()
    return 1 if disk.failed else 0


if __name__ == "__main__":
    sys.exit(main())
