//! "Did you mean …": the known name that is nearest to one that is not known, and what is wrong in a text of TOML, with its
//! line. Nothing here decides what is known.

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

/// What is wrong in a text of TOML: its line, the key, and what was meant.
pub fn fault(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let key = key_before(text, at).map_or(String::new(), |key| format!("{key}: "));
    format!("line {}: {key}{}", line_at(text, at), in_words(error.message()))
}

/// The line of a place in a text, the first being 1.
pub fn line_at(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// What the reader of TOML says; of a name that it does not know, what was meant instead of all there is.
fn in_words(message: &str) -> String {
    let strange = ["unknown field `", "unknown variant `"].iter().find_map(|says| message.strip_prefix(says));
    let Some((name, expected)) = strange.and_then(|rest| rest.split_once('`')) else { return message.to_owned() };
    // The known names stand between the others of its backquotes.
    let known = expected.split('`').skip(1).step_by(2);
    format!("{name:?} is not known here; {}", did_you_mean(name, known))
}

/// The key whose value begins at a place of the text, where one does.
fn key_before(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?.trim_end().strip_suffix('=')?.trim_end();
    let begins = before.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).map_or(0, |i| i + 1);
    Some(&before[begins..]).filter(|key| !key.is_empty())
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
