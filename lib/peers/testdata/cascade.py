"""Nodes of a cascade as users of python3-pgq run them, without tables.

usage: cascade.py worker [switches] config.ini
       cascade.py admin config.ini COMMAND ...

A worker keeps what it got in table got of its node's database, if there is one.
"""
import sys

from pgq.cascade.admin import CascadeAdmin
from pgq.cascade.worker import CascadedWorker


class Worker(CascadedWorker):
    def connection_hook(self, dbname, conn):
        # branches refuse events from anybody else
        if dbname == "db":
            curs = conn.cursor()
            curs.execute("set session_replication_role = 'replica'")
            conn.commit()

    def process_remote_event(self, src_curs, dst_curs, ev):
        if ev.ev_type.startswith("pgq."):
            super().process_remote_event(src_curs, dst_curs, ev)
        else:
            dst_curs.execute("insert into got values (%s, %s, %s, %s)", [self.job_name, ev.ev_id, ev.ev_retry, ev.ev_data])


if __name__ == "__main__":
    cls = {"worker": Worker, "admin": CascadeAdmin}[sys.argv[1]]
    cls("cascade", "db", sys.argv[2:]).start()
