"""Consumers as users of python3-pgq write them: one of each class.

usage: consumer.py CLASS [switches] config.ini

Each keeps what it got in table got of the database that its class writes to,
LocalConsumer in the file of key ledger. Events of type "again" are put back
once where the class can do that.
"""
import sys

import pgq


def store(db, name, events):
    curs = db.cursor()
    for ev in events:
        curs.execute("insert into got values (%s, %s, %s, %s)", [name, ev.ev_id, ev.ev_retry, ev.ev_data])


def again(ev):
    return ev.ev_type == "again" and ev.ev_retry is None


class Plain(pgq.Consumer):
    def process_event(self, db, ev):
        store(db, self.job_name, [ev])
        if again(ev):
            ev.tag_retry(0)
        else:
            ev.tag_done()


class Coop(pgq.CoopConsumer):
    def process_batch(self, db, batch_id, events):
        for ev in events:
            store(db, self.job_name, [ev])
            if again(ev):
                ev.tag_retry(0)


class Remote(pgq.RemoteConsumer):
    def process_remote_batch(self, db, batch_id, events, dst_db):
        store(dst_db, self.job_name, events)


class Serial(pgq.SerialConsumer):
    def process_remote_batch(self, db, batch_id, events, dst_db):
        store(dst_db, self.job_name, events)


class Local(pgq.LocalConsumer):
    def process_local_event(self, db, batch_id, ev):
        with open(self.cf.get("ledger"), "a") as f:
            f.write('{"ev_id": %d}\n' % ev.ev_id)


CLASSES = {
    "plain": (Plain, ["db"]),
    "coop": (Coop, ["db"]),
    "remote": (Remote, ["db", "dst_db"]),
    "serial": (Serial, ["db", "dst_db"]),
    "local": (Local, ["db"]),
}

if __name__ == "__main__":
    cls, databases = CLASSES[sys.argv[1]]
    cls("peer", *databases, sys.argv[2:]).start()
