-- The trace context of the event that caused a task, so that whoever publishes it continues that trace.

alter table outbox add column traceparent text;
