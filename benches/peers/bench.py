"""Measures the two workers in turn: fills a queue, starts a worker, counts what it commits, checks, tidies up."""

import os
import platform
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from amqp.exceptions import AMQPError
from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError

import job

HERE = Path(__file__).resolve().parent
ROUNDS = 3
BOUND = 300.0  # seconds for one run, from the start of the worker
STALL = 60.0  # seconds without any new event
STOP = 30.0  # seconds for a worker to finish what it holds
POLL = 0.05
SMALLEST, LARGEST = 500, 50_000  # of events

BIN = Path(sys.executable).parent
COMMANDS = {
    "Celery": [
        BIN / "celery",
        "--app",
        "celery_worker",
        "worker",
        "--pool",
        "prefork",
        "--loglevel",
        "WARNING",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ],
    "FastStream": [
        BIN / "faststream",
        "run",
        "faststream_worker:app",
        "--log-level",
        "warning",
        "--workers",
        str(job.FASTSTREAM_PROCESSES),
    ],
}
PROCESSES = {"Celery": job.CELERY_PROCESSES, "FastStream": job.FASTSTREAM_PROCESSES}
VERSIONS = {
    "Celery": f"{version('celery')}, psycopg {version('psycopg')}",
    "FastStream": f"{version('faststream')}, asyncpg {version('asyncpg')}",
}


class Failed(Exception):
    """Something went wrong, said in plain words."""


class Stopped(BaseException):
    """Somebody wants this program to end."""


class Interrupts:
    """Turns signals into `Stopped`, but not in the middle of what must not be left half done."""

    held = False
    waiting = None

    @classmethod
    def listen(cls):
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, cls.arrived)

    @classmethod
    def arrived(cls, number, _frame):
        if not cls.held:
            raise Stopped(number)
        cls.waiting = number

    @classmethod
    @contextmanager
    def hold(cls):
        cls.held = True
        try:
            yield
        finally:
            cls.held = False
            number, cls.waiting = cls.waiting, None
            if number is not None:
                raise Stopped(number)


def broker():
    return Connection(job.AMQP_URL, connect_timeout=5)


def database():
    return psycopg.connect(job.DATABASE_URL, autocommit=True, connect_timeout=5)


def silent(server, url, why):
    """Says in one sentence that a server does not answer, without the password in its URL, and ends the program."""
    place = urlsplit(url).netloc.rpartition("@")[2]
    reason = (str(why).strip() or type(why).__name__).splitlines()[0].rstrip(". ")
    print(f"{server} at {place} does not answer: {reason}.", file=sys.stderr)
    sys.exit(2)


def reachable():
    """The two servers' versions; ends the program if one of them does not answer."""
    try:
        with database() as db:
            postgres = db.execute("show server_version").fetchone()[0].split()[0]
    except psycopg.Error as why:
        silent("PostgreSQL", job.DATABASE_URL, why)
    try:
        with broker() as connection:
            connection.connect()
            rabbit = connection.connection.server_properties.get("version", "unknown")
    except (OperationalError, AMQPError, OSError) as why:
        silent("RabbitMQ", job.AMQP_URL, why)
    return postgres, rabbit


class Run:
    """A schema, two queues and a worker of their own, gone afterwards."""

    def __init__(self, worker, count):
        self.worker, self.count = worker, count
        tag = secrets.token_hex(4)
        self.schema = f"peers_{tag}"
        self.events_queue, self.tasks_queue = f"peers-{tag}.events", f"peers-{tag}.tasks"
        self.process = None
        self.log = tempfile.TemporaryFile()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with Interrupts.hold():
            mistakes = []
            for undo in (self.end_worker, self.drop_queues, self.drop_schema, self.log.close):
                try:
                    undo()
                except Exception as why:
                    mistakes.append(f"{undo.__name__}: {why}")
            if mistakes:
                named = f"schema {self.schema}, queues {self.events_queue} and {self.tasks_queue}"
                print(f"something may be left behind ({named}): {'; '.join(mistakes)}", file=sys.stderr)

    def prepare(self):
        with database() as db:
            db.execute(f"create schema {self.schema}")
            db.execute(f"set search_path to {self.schema}")
            db.execute(job.TABLES)
        with broker() as connection:
            channel = connection.default_channel
            for name in (self.events_queue, self.tasks_queue):
                channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
            self.fill(connection)
            # Before the channel closes: what the broker has not yet handed to the queue would be lost with it.
            self.wait_for_depth(self.events_queue, self.count, 60)

    def fill(self, connection):
        """Without confirms, for speed: the depth is looked at afterwards."""
        bodies = job.events(self.count)
        with connection.Producer() as producer:
            if self.worker == "Celery":
                app = Celery("fill", broker=job.AMQP_URL)
                app.conf.update(task_default_queue=self.events_queue, task_default_queue_type="quorum")
                for body in bodies:
                    app.send_task("peers.handle", [body], producer=producer, ignore_result=True)
                return
            for body in bodies:
                producer.publish(
                    body.encode(),
                    exchange="",
                    routing_key=self.events_queue,
                    delivery_mode="persistent",
                    content_type="application/json",
                    content_encoding="utf-8",
                )

    def start_worker(self):
        environment = os.environ | {
            "PEERS_EVENTS_QUEUE": self.events_queue,
            "PEERS_TASKS_QUEUE": self.tasks_queue,
            "PEERS_SCHEMA": self.schema,
        }
        with Interrupts.hold():
            self.process = subprocess.Popen(
                COMMANDS[self.worker],
                cwd=HERE,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=self.log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def measure(self):
        """Events a second between the first poll that saw one and the first that saw all."""
        self.start_worker()
        started = moved = time.monotonic()
        first = last = 0
        first_at = started
        with database() as db:
            db.execute(f"set search_path to {self.schema}")
            while last < self.count:
                time.sleep(POLL)
                seen = db.execute("select count(*) from seen").fetchone()[0]
                now = time.monotonic()
                if first == 0 and seen > 0:
                    first, first_at = seen, now
                if seen > last:
                    last, moved = seen, now
                if last >= self.count:
                    break
                if self.process.poll() is not None:
                    raise Failed(f"{self.worker} ended by itself after {last} of {self.count} events.\n{self.tail()}")
                if now - started > BOUND:
                    raise Failed(
                        f"{self.worker} did {last} of {self.count} events in {BOUND:.0f} seconds.\n{self.tail()}"
                    )
                if now - moved > STALL:
                    raise Failed(f"{self.worker} stood still at {last} of {self.count} events.\n{self.tail()}")
        if first >= self.count:
            raise Failed(f"{self.count} events are too few to measure {self.worker}: give more.")
        return (self.count - first) / (now - first_at)

    def check(self):
        """Whether all of the job was done, not only the part that was counted."""
        self.wait_for_depth(self.tasks_queue, job.tasks_expected(self.count), 30)
        self.stop_worker()
        # With its connection gone, what the worker did not acknowledge is back in the queue.
        self.wait_for_depth(self.events_queue, 0, 10)
        with database() as db:
            db.execute(f"set search_path to {self.schema}")
            history = db.execute("select count(*) from history").fetchone()[0]
            states = db.execute("select state from leads").fetchall()
        total = sum(job.COUNTER.unpack_from(state)[0] for (state,) in states)
        if (history, total) != (self.count, self.count):
            raise Failed(
                f"{self.worker} wrote {history} rows of history and counted {total} events where {self.count} were due."
            )

    def wait_for_depth(self, name, wanted, seconds):
        until = time.monotonic() + seconds
        with broker() as connection:
            while True:
                depth = connection.default_channel.queue_declare(name, passive=True).message_count
                if depth == wanted:
                    return
                if time.monotonic() > until:
                    raise Failed(f"{self.worker}: {name} holds {depth} messages where {wanted} are due.\n{self.tail()}")
                time.sleep(0.1)

    def stop_worker(self):
        """Lets the worker end as it wants to, and says so if it does not."""
        self.process.terminate()
        try:
            self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.worker} did not stop within {STOP:.0f} seconds.\n{self.tail()}") from None
        self.end_worker()

    def end_worker(self):
        """Ends the worker and its children at once, as far as any are left."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(5)
        self.process = None

    def drop_queues(self):
        with broker() as connection:
            for name in (self.events_queue, self.tasks_queue):
                connection.default_channel.queue_delete(name)
            # Celery declares one, named after its queue.
            connection.default_channel.exchange_delete(self.events_queue)

    def drop_schema(self):
        with database() as db:
            db.execute("set client_min_messages to warning")
            db.execute("set lock_timeout to '20s'")
            db.execute(f"drop schema if exists {self.schema} cascade")

    def tail(self):
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()[-20:]
        return "\n".join(["The last it said:", *lines]) if lines else "It said nothing."


def figure(name):
    """A figure of the maintainer's own, from the environment."""
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise Failed(f"{name} must be a number above zero, not {text!r}.")
    return value


def table(rates, floor, ours):
    manifest = tomllib.loads((HERE.parents[1] / "Cargo.toml").read_text())
    rows = []
    for name, found in rates.items():
        count = PROCESSES[name]
        rows.append([f"{name}, {count} process{'es' * (count > 1)}", VERSIONS[name], statistics.median(found)])
    if ours:
        rows.append(["gleaner", manifest["package"]["version"], ours])
    if floor:
        rows.append(["floor", "", floor])
    head = ["worker", "version", f"events/s (median of {ROUNDS})"]
    if ours:
        head.append("gleaner is so many times as fast")
    if floor:
        head.append("share of the floor")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for name, said, rate in rows:
        cells = [name, said, f"{rate:.0f}"]
        if ours:
            cells.append(f"{ours / rate:.1f}")
        if floor:
            cells.append(f"{rate / floor:.2f}")
        print("| " + " | ".join(cells) + " |")


def main():
    text = sys.argv[1] if len(sys.argv) > 1 else "10000"
    if len(sys.argv) > 2 or not text.isdecimal() or not SMALLEST <= int(text) <= LARGEST:
        raise Failed(f"usage: benches/peers/run [EVENTS], with EVENTS from {SMALLEST} to {LARGEST}.")
    count = int(text)
    floor, ours = figure("FLOOR_EVENTS_PER_SECOND"), figure("GLEANER_EVENTS_PER_SECOND")
    postgres, rabbit = reachable()
    print(
        f"{count} events, a task for one in {job.EVENTS_PER_TASK}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, PostgreSQL {postgres}, RabbitMQ {rabbit}",
        flush=True,
    )
    rates = {name: [] for name in COMMANDS}
    for number in range(1, ROUNDS + 1):
        for name in COMMANDS:
            with Run(name, count) as run:
                run.prepare()
                rate = run.measure()
                run.check()
            rates[name].append(rate)
            print(f"round {number}: {name} {rate:.0f} events/s", flush=True)
    print()
    table(rates, floor, ours)


if __name__ == "__main__":
    Interrupts.listen()
    try:
        main()
    except Failed as why:
        print(why, file=sys.stderr)
        sys.exit(1)
    except (psycopg.Error, OperationalError, AMQPError, OSError) as why:
        print(f"A server or the machine failed in the middle: {why}", file=sys.stderr)
        sys.exit(1)
    except Stopped as why:
        print("stopped", file=sys.stderr)
        sys.exit(128 + why.args[0])
