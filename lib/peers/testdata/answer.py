"""Answers for pgq-consume --ack: puts events of type "again" back once."""
import json
import sys

with open(sys.argv[1], "a") as ledger:
    for line in sys.stdin:
        ev = json.loads(line)
        ledger.write(line)
        ledger.flush()
        if ev["ev_type"] == "again" and "ev_retry" not in ev:
            print("retry", ev["ev_id"], 0, flush=True)
        else:
            print("ok", ev["ev_id"], flush=True)
