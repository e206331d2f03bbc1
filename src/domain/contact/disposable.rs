//! Domains of mailboxes that are made to be thrown away: the shipped table, and the question whether it has a domain.
//!
//! The table is `disposable.txt`, written by `scripts/disposable-domains.py`: change the script, not the file. What a
//! site adds of its own is in `contact.toml`.

use std::sync::OnceLock;

/// Sorted, one a line.
const TABLE: &str = include_str!("disposable.txt");

struct Domains {
    sorted: Vec<&'static str>,
    /// A bit for the hash of each: almost every domain asked for is not there, and one look settles that.
    filter: Vec<u64>,
}

/// Bits of the filter: sixteen for each domain of the table, so that one stranger in sixteen is looked up in vain.
const BITS: u64 = 1 << 17;

fn hash(domain: &str) -> u64 {
    let fnv = domain.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    (fnv ^ (fnv >> 32)) % BITS
}

fn domains() -> &'static Domains {
    static DOMAINS: OnceLock<Domains> = OnceLock::new();
    DOMAINS.get_or_init(|| {
        let sorted: Vec<&str> = TABLE.lines().collect();
        let mut filter = vec![0; (BITS / 64) as usize];
        for domain in &sorted {
            let bit = hash(domain);
            filter[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        Domains { sorted, filter }
    })
}

/// Whether the table has the domain (in lower case).
pub fn is_disposable(domain: &str) -> bool {
    let (known, bit) = (domains(), hash(domain));
    known.filter[(bit / 64) as usize] >> (bit % 64) & 1 == 1 && known.sorted.binary_search(&domain).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_domain_in_it_is_found() {
        assert!(domains().sorted.is_sorted());
        assert!(domains().sorted.len() > 5000);
        assert!(domains().sorted.iter().all(|d| is_disposable(d)));
    }

    #[test]
    fn well_known_providers_are_not_in_it() {
        for domain in ["gmail.com", "outlook.com", "yahoo.com", "proton.me", "icloud.com", "example.com"] {
            assert!(!is_disposable(domain), "{domain}");
        }
    }
}
