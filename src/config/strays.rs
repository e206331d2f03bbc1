//! Variables of the environment that were probably meant for us and that nobody reads: `GLEANER_HTTP_TOKEN`, where
//! `GLEANER__HTTP__TOKEN` would have been one.

use super::Config;
use crate::domain::policy::suggest::nearest;

/// Other names of ours that are no settings: those of tests.
const NOT_SETTINGS: [&str; 2] = ["GLEANER_DIE_AT", "GLEANER_TEST_"];

impl Config {
    /// A sentence for each such variable, with the one that was probably meant.
    pub fn strays(&self, environment: impl Iterator<Item = (String, String)>) -> Vec<String> {
        let unread = |name: &String| {
            name.starts_with("GLEANER_")
                && !name.starts_with("GLEANER__")
                && !NOT_SETTINGS.iter().any(|other| name.starts_with(other))
        };
        let mut names: Vec<String> = environment.map(|(name, _)| name).filter(unread).collect();
        names.sort();
        names.iter().map(|name| self.sentence(name)).collect()
    }

    fn sentence(&self, name: &str) -> String {
        let plain = |text: &str| text.to_lowercase().replace("__", "_").replace('.', "_");
        let keys: Vec<String> = self.shown.keys().map(|key| plain(key)).collect();
        let wanted = plain(name.trim_start_matches("GLEANER_"));
        let meant = nearest(&wanted, keys.iter().map(String::as_str))
            .and_then(|near| self.shown.keys().find(|key| plain(key) == near))
            .map(|key| format!("GLEANER__{}", key.to_uppercase().replace('.', "__")));
        match meant {
            Some(meant) => format!("the variable {name} is not read; did you mean {meant}?"),
            None => format!("the variable {name} is not read; settings are written GLEANER__SECTION__KEY"),
        }
    }
}
