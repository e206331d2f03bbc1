//! Small words for sentences that people read: counts, and how often.

const WORDS: [&str; 13] =
    ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// "one", "seven", "13": in words up to twelve, as a newspaper does.
pub fn number(n: u32) -> String {
    WORDS.get(n as usize).map_or_else(|| n.to_string(), |word| (*word).to_owned())
}

/// "one call", "two calls", "13 calls".
pub fn counted(n: u32, what: &str) -> String {
    let mut text = number(n);
    text.reserve(what.len() + 2);
    text.push(' ');
    text.push_str(what);
    if n != 1 {
        text.push('s');
    }
    text
}

/// "once", "twice", "seven times".
pub fn times(n: u32) -> String {
    match n {
        1 => "once".into(),
        2 => "twice".into(),
        n => format!("{} times", number(n)),
    }
}

/// With a capital, as a sentence begins.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let mut out = String::with_capacity(text.len());
    out.extend(chars.next().into_iter().flat_map(char::to_uppercase));
    out.push_str(chars.as_str());
    out
}
