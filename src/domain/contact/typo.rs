//! Domains that look mistyped: the ones on the policy's list, and those one slip of the finger away from a provider
//! that everybody uses.

use crate::domain::policy::ContactRules;

/// The domain that was probably meant.
pub fn meant<'a>(domain: &str, rules: &'a ContactRules) -> Option<&'a str> {
    if let Some(meant) = rules.typo_domains.get(domain) {
        return Some(meant);
    }
    let known = &rules.well_known_domains;
    let near = known.iter().find(|k| is_one_slip_away(domain, k))?;
    // Some providers are neighbours of each other (gmail.com, ymail.com): a known one is never a slip.
    (!known.iter().any(|k| k == domain)).then_some(near)
}

/// One letter added, left out, changed, or two neighbours swapped (Damerau's four slips).
fn is_one_slip_away(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // A slip spoils at most two places next to each other: where neither of the first three letters fits, it is none.
    let differ = |i: usize, j: usize| a.get(i) != b.get(j);
    if a.len().abs_diff(b.len()) > 1 || differ(0, 0) && differ(1, 1) && differ(2, 2) && differ(1, 0) && differ(0, 1) {
        return false;
    }
    if a == b {
        return false;
    }
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (x, y) = (&a[same..], &b[same..]);
    match a.len().cmp(&b.len()) {
        std::cmp::Ordering::Less => x == &y[1..],
        std::cmp::Ordering::Greater => &x[1..] == y,
        std::cmp::Ordering::Equal => {
            x[1..] == y[1..] || x.len() > 1 && x[0] == y[1] && x[1] == y[0] && x[2..] == y[2..]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_four_slips_is_known_again() {
        for slip in ["gmial.com", "gmaill.com", "gmai.com", "gmaol.com", "gmail.cm", "gmail.comm"] {
            assert!(is_one_slip_away(slip, "gmail.com"), "{slip}");
        }
        for other in ["gmail.com", "example.com", "gamli.com", "gmail.de", "mail.co", ""] {
            assert!(!is_one_slip_away(other, "gmail.com"), "{other}");
        }
    }
}
