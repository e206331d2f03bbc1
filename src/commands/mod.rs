//! One file for each subcommand; what they share is small and stands here.

pub mod demo;
pub mod explain;
pub mod replay;
