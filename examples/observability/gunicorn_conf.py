"""Two processes whose metrics are shown together.

export PROMETHEUS_MULTIPROC_DIR=$(mktemp -d)
gunicorn --config gunicorn_conf.py app:application
"""

from prometheus_client.multiprocess import mark_process_dead

workers = 2


def child_exit(server, worker):
    mark_process_dead(worker.pid)
