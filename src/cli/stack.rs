//! Room on the stack for messages that are nested deep.
//!
//! The headers of one AMQP frame (128 KiB) can hold 26,000 lists in each other, and whoever reads, copies or drops such
//! a value goes down as many levels. The standard 2 MiB of a thread end there, and with them the process: one message
//! would kill every worker in turn. Memory that is never touched costs nothing.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// Measured: in an unoptimised build 26,000 lists and 21,000 tables in each other pass with this, and not with 64 MiB.
pub const BYTES: usize = 256 << 20;

/// The name under which Rust's library looks for the stack of threads that ask for none of their own.
const VARIABLE: &str = "RUST_MIN_STACK";

/// Runs the program on a thread with room.
///
/// # Errors
/// The system gives no thread.
pub fn run(main: impl FnOnce() -> ExitCode + Send + 'static) -> io::Result<ExitCode> {
    let thread = std::thread::Builder::new().name("main".to_owned()).stack_size(BYTES).spawn(main)?;
    // A panic was told on standard error by the thread itself.
    Ok(thread.join().unwrap_or(ExitCode::from(101)))
}

/// Gives every thread of this process room, also those of the AMQP library, which starts its own and lets nobody choose
/// their stack. The library reads the variable once and it cannot be set safely from within, so the program begins
/// anew with it, in the same process. Where it is set already this does nothing; where that fails, neither.
pub fn for_every_thread() {
    let given = std::env::var(VARIABLE).ok().and_then(|bytes| bytes.parse::<usize>().ok());
    if given.is_some_and(|bytes| bytes >= BYTES / 2) {
        // Begun anew by a link, the process has the link's name: whoever looks for gleaner is to find it.
        let _only_a_name = std::fs::write("/proc/self/comm", env!("CARGO_PKG_NAME"));
        return;
    }
    let mut arguments = std::env::args_os();
    // By this link, since the file may have been replaced by a newer one since we began.
    let mut again = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let error = again.args(arguments).env(VARIABLE, BYTES.to_string()).exec();
    tracing::warn!(%error, "the stack of threads stays small: set {VARIABLE}={BYTES}, or a message with headers nested thousands deep can end this process");
}
