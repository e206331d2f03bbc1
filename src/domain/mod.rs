//! The pure core: total functions over plain data, without clock, I/O or log.
//!
//! Reading order: `event` and `identity` (what comes in), `facts` and `fold` (what is known), `diagnosis` (what
//! we think), `plays` and `decide` (what we do), `working_set` (how events find their leads).

pub mod area_codes;
pub mod audit;
pub mod cases;
pub mod compose;
pub mod conduct;
pub mod contact;
pub mod decide;
pub mod diagnosis;
pub mod event;
pub mod facts;
pub mod floor;
pub mod fold;
pub mod givers;
pub mod identity;
pub mod intervals;
pub mod lead;
pub mod leave;
pub mod legal;
mod memo;
pub mod partners;
pub mod permit;
pub mod plays;
pub mod policy;
pub mod pool;
pub mod promise;
pub mod prose;
pub mod question;
pub mod ramp;
pub mod register;
pub mod score;
pub mod split;
pub mod suppression;
pub mod task;
pub mod time;
pub mod touches;
pub mod wish;
pub mod words;
pub mod working_set;
pub mod world;
