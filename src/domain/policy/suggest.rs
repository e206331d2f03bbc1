//! "Did you mean …": the known name that is nearest to one that is not known. Nothing here decides what is known.

/// The nearest of the known names, if it is near enough to be what was meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong: enough for a slip of the hand, too little for another word. Our judgement.
    let most = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&name.to_ascii_lowercase(), k), k))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, k)| k)
}

/// A sentence's tail: what was meant, or else all there is.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known are {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_finds_its_name_and_another_word_finds_none() {
        let known = ["profile.title", "profile.country", "attributes"];
        assert_eq!(nearest("profile.titel", known), Some("profile.title"));
        assert_eq!(nearest("profile.contry", known), Some("profile.country"));
        assert_eq!(nearest("weather", known), None);
        assert_eq!(did_you_mean("weather", known), "known are profile.title, profile.country, attributes");
    }
}
