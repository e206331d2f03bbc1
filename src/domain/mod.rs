//! The pure core: total functions over plain data, without clock, I/O or log.

pub mod event;
pub mod identity;
pub mod suppression;
pub mod time;
pub mod words;
