"""The job as a FastStream subscriber: asyncio, asyncpg with a pool, acknowledged by hand after the commit."""

from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from faststream import AckPolicy, Context, ContextRepo, FastStream
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitMessage, RabbitQueue

import job

CONNECTIONS = 10  # for each process

broker = RabbitBroker(job.AMQP_URL, default_channel=Channel(prefetch_count=job.PREFETCH), logger=None)


@asynccontextmanager
async def lifespan(context: ContextRepo):
    settings = {"search_path": job.SCHEMA}
    async with asyncpg.create_pool(
        job.DATABASE_URL, min_size=CONNECTIONS, max_size=CONNECTIONS, server_settings=settings
    ) as pool:
        context.set_global("pool", pool)
        yield


app = FastStream(broker, lifespan=lifespan, logger=None)


@broker.subscriber(
    RabbitQueue(job.EVENTS_QUEUE, queue_type=QueueType.QUORUM, durable=True), ack_policy=AckPolicy.MANUAL
)
async def handle(event: dict[str, Any], message: RabbitMessage, pool: asyncpg.Pool = Context()):
    if await keep(pool, event, message.body.decode()) and job.wants_task(event):
        await broker.publish(job.task(event), queue=job.TASKS_QUEUE, persist=True, content_type="application/json")
    await message.ack()


async def keep(pool, event, body):
    """Whether the event is new; if so, it is in the database now."""
    lead = job.lead_of(event)
    async with pool.acquire() as db, db.transaction():
        fresh = await db.execute(
            "insert into seen (lead, event) values ($1, $2) on conflict do nothing", lead, job.event_hash(event)
        )
        if fresh == "INSERT 0 0":
            return False
        state = await locked(db, lead)
        if state is None:
            await db.execute(
                "insert into leads (lead, state) values ($1, $2) on conflict do nothing", lead, job.NEW_STATE
            )
            state = await locked(db, lead)
        await db.execute("update leads set state = $1 where lead = $2", job.counted(state), lead)
        await db.execute("insert into history (lead, body) values ($1, $2)", lead, body)
    return True


async def locked(db, lead):
    return await db.fetchval("select state from leads where lead = $1 for update", lead)
