//! What was probably meant by a name that the lexicon does not have.
//!
//! For people who edit the file: only used while it is parsed, never while a text is read.

/// More letters wrong than this are another word.
const MOST_WRONG: usize = 2;

/// The end of a sentence about a `wrong` name: the nearest of the names there are, or all of them where they are few.
pub fn hint<'a>(wrong: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    const FEW: usize = 12;
    let near = names.clone().map(|n| (distance(n, wrong), n)).min().filter(|(d, _)| *d <= MOST_WRONG);
    match near {
        Some((_, name)) => format!("; did you mean {name:?}?"),
        None if names.clone().count() <= FEW => format!("; there are {}", names.collect::<Vec<_>>().join(", ")),
        None => String::new(),
    }
}

/// How many letters must be added, left out or changed to turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = changed.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_few_names_are_listed() {
        let names = ["interest", "disinterest", "timing"];
        assert_eq!(hint("intrest", names.into_iter()), "; did you mean \"interest\"?");
        assert_eq!(hint("weather", names.into_iter()), "; there are interest, disinterest, timing");
    }
}
