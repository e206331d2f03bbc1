"""The job as a Celery task: prefork, acknowledged late, psycopg 3, one connection for each process."""

import json

import psycopg
from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown
from celery.worker.consumer import Consumer

import job


class PlainConsumer(Consumer):
    """Celery's own consumer without delayed delivery, which this job does not use: beside a quorum queue it would
    declare 28 more queues with fixed names, and those could not be told from somebody else's when tidying up."""

    class Blueprint(Consumer.Blueprint):
        default_steps = [s for s in Consumer.Blueprint.default_steps if "DelayedDelivery" not in str(s)]


app = Celery("peers", broker=job.AMQP_URL)
app.conf.update(
    task_default_queue=job.EVENTS_QUEUE,
    task_default_queue_type="quorum",
    task_acks_late=True,
    task_acks_on_failure_or_timeout=False,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_concurrency=job.CELERY_PROCESSES,
    worker_prefetch_multiplier=max(1, job.PREFETCH // job.CELERY_PROCESSES),
    worker_detect_quorum_queues=True,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_consumer="celery_worker:PlainConsumer",
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=False,
)

db = None


@worker_process_init.connect
def connect(**_):
    global db
    db = psycopg.connect(job.DATABASE_URL, autocommit=True, options=f"-c search_path={job.SCHEMA}")


@worker_process_shutdown.connect
def disconnect(**_):
    if db is not None:
        db.close()


@app.task(name="peers.handle")
def handle(body):
    event = json.loads(body)
    if keep(event, body) and job.wants_task(event):
        with app.producer_pool.acquire(block=True) as producer:
            producer.publish(
                job.task(event),
                exchange="",
                routing_key=job.TASKS_QUEUE,
                content_type="application/json",
                content_encoding="utf-8",
                delivery_mode="persistent",
                retry=True,
            )


def keep(event, body):
    """Whether the event is new; if so, it is in the database now."""
    lead = job.lead_of(event)
    with db.transaction():
        fresh = db.execute(
            "insert into seen (lead, event) values (%s, %s) on conflict do nothing", (lead, job.event_hash(event))
        )
        if fresh.rowcount == 0:
            return False
        row = locked(lead)
        if row is None:
            db.execute("insert into leads (lead, state) values (%s, %s) on conflict do nothing", (lead, job.NEW_STATE))
            row = locked(lead)
        db.execute("update leads set state = %s where lead = %s", (job.counted(row[0]), lead))
        db.execute("insert into history (lead, body) values (%s, %s)", (lead, body))
    return True


def locked(lead):
    return db.execute("select state from leads where lead = %s for update", (lead,), binary=True).fetchone()
