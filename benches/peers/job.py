"""The job that both workers do: what comes in, what is written, what goes out."""

import hashlib
import json
import os
import random
import struct


def whole(name, default):
    """A whole number above zero from the environment."""
    text = os.environ.get(name, "").strip() or str(default)
    if not text.isdecimal() or int(text) == 0:
        raise SystemExit(f"{name} must be a whole number above zero, not {text!r}.")
    return int(text)


EVENTS_QUEUE = os.environ.get("PEERS_EVENTS_QUEUE", "")
TASKS_QUEUE = os.environ.get("PEERS_TASKS_QUEUE", "")
SCHEMA = os.environ.get("PEERS_SCHEMA", "")
DATABASE_URL = os.environ.get("DATABASE_URL") or "postgres://postgres@127.0.0.1:5432/test"
AMQP_URL = os.environ.get("AMQP_URL") or "amqp://guest:guest@127.0.0.1:5672/%2f"

CELERY_PROCESSES = whole("CELERY_PROCESSES", 2)
FASTSTREAM_PROCESSES = whole("FASTSTREAM_PROCESSES", 2)
EVENTS_PER_TASK = whole("EVENTS_PER_TASK", 3)
EVENTS_PER_LEAD = 16
PREFETCH = 200

COUNTER = struct.Struct(">Q")
REST_OF_STATE = bytes(range(256)) * 4
NEW_STATE = COUNTER.pack(0) + REST_OF_STATE[: 1024 - COUNTER.size]

# A lead's row changes some sixteen times; the free space in its page keeps those updates out of the index.
TABLES = """
create table seen (lead text not null, event bytea not null, primary key (lead, event));
create table leads (lead text primary key, state bytea not null) with (fillfactor = 85);
create table history (no bigint generated always as identity primary key, lead text not null, body text not null);
"""


def events(count):
    """`count` events of some 400 bytes over a sixteenth as many leads, the same ones every time."""
    dice = random.Random(20)
    leads = max(1, count // EVENTS_PER_LEAD)
    order = [i % leads for i in range(count)]
    dice.shuffle(order)
    pages = ["/pricing", "/features", "/docs/start", "/customers", "/contact"]
    words = ["price", "order", "team", "later", "demo", "month", "offer", "yes", "plan", "call", "wait", "quote"]
    for number, lead in enumerate(order):
        event = {
            "specversion": "1.0",
            "id": f"e-{number:08}",
            "source": "/site/forms",
            "type": "page.viewed",
            "time": f"2026-01-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z",
            "datacontenttype": "application/json",
            "data": {
                "lead": {"email": f"lead-{lead:06}@example.com"},
                "page": dice.choice(pages),
                "seconds": dice.randrange(5, 300),
                "follow_up": number % EVENTS_PER_TASK == 0,
                "note": " ".join(dice.choices(words, k=24)),
            },
        }
        yield json.dumps(event)


def tasks_expected(count):
    return -(-count // EVENTS_PER_TASK)


def lead_of(event):
    return event["data"]["lead"]["email"]


def event_hash(event):
    return hashlib.sha256(f"{event['source']}\n{event['id']}".encode()).digest()


def counted(state):
    """The state with its counter one higher."""
    (counter,) = COUNTER.unpack_from(state)
    return COUNTER.pack(counter + 1) + state[COUNTER.size :]


def wants_task(event):
    return event["data"]["follow_up"]


def task(event):
    """A task of some 1,500 bytes."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event_hash(event).hex(),
            "source": "/peers",
            "type": "task.follow_up",
            "data": {"lead": lead_of(event), "cause": event["id"], "brief": "call back and ask what is missing; " * 35},
        }
    ).encode()
