//! The pure core: total functions over plain data, without clock, I/O or log.

pub mod area_codes;
pub mod event;
pub mod identity;
pub mod intervals;
pub mod legal;
pub mod suppression;
pub mod time;
