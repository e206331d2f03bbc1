//! How long to wait before trying again: doubling, with jitter, up to a bound.

use std::time::Duration;

/// A growing pause. The jitter keeps many workers from coming back in the same instant.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    first: Duration,
    most: Duration,
    /// A xorshift state: jitter needs no more randomness than this.
    seed: u64,
}

impl Backoff {
    pub fn new(first: Duration, most: Duration) -> Backoff {
        let seed = uuid::Uuid::new_v4().as_u64_pair().0 | 1;
        Backoff { next: first, first, most, seed }
    }

    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// The next pause: between half and all of the doubled one before.
    pub fn pause(&mut self) -> Duration {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let part = 0.5 + (self.seed % 1000) as f64 / 2000.0;
        let pause = self.next.mul_f64(part);
        self.next = (self.next * 2).min(self.most);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_start_over() {
        let mut b = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let pauses: Vec<Duration> = (0..10).map(|_| b.pause()).collect();
        assert!(pauses[0] <= Duration::from_millis(100) && pauses[0] >= Duration::from_millis(50));
        assert!(pauses[9] >= Duration::from_secs(1) && pauses[9] <= Duration::from_secs(2));
        b.reset();
        assert!(b.pause() <= Duration::from_millis(100));
    }
}
