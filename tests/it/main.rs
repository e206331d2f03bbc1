//! Every test that needs more than one module, in one binary.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod store_contract;
