//! Keys: what names a lead, how strong each kind is, and which lead an event belongs to.
//!
//! Only the rules live here. Applying a route (attaching, linking, merging) is the working set's work;
//! where keys are stored is the store's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::event::EventKey;
use super::time::Moment;

/// Leads by their internal number; never shown outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeadNo(pub i64);

impl LeadNo {
    /// No lead's number. Under it stand the events that those who were forgotten had sent, by their [`KeyHasher::forgotten`]:
    /// known again, nobody's.
    pub const FORGOTTEN: LeadNo = LeadNo(0);
}

/// A key on more leads than this is shared for good: it links nobody and merges nobody.
pub const MAX_HOLDERS: usize = 5;
/// A shared key remembers at most this many holders.
pub const KEY_HOLDERS_KEPT: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyKind {
    Id,
    Email,
    Phone,
    Visitor,
}

impl KeyKind {
    pub const ALL: [KeyKind; 4] = [KeyKind::Id, KeyKind::Email, KeyKind::Phone, KeyKind::Visitor];
    pub fn name(self) -> &'static str {
        match self {
            KeyKind::Id => "id",
            KeyKind::Email => "email",
            KeyKind::Phone => "phone",
            KeyKind::Visitor => "visitor",
        }
    }
}

/// One key of a lead, normalised at the edge: an e-mail address in lower case, a phone number in E.164.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    pub kind: KeyKind,
    pub value: String,
}

/// How much a key says about who somebody is; the order is the order of look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    Id,
    PersonalEmail,
    Phone,
    RoleEmail,
    Visitor,
}

/// Mailboxes that belong to a function, not to a person (RFC 2142 and common usage).
const ROLE_LOCAL_PARTS: [&str; 26] = [
    "abuse",
    "accounting",
    "accounts",
    "admin",
    "billing",
    "contact",
    "enquiries",
    "hello",
    "help",
    "hostmaster",
    "hr",
    "info",
    "inquiries",
    "jobs",
    "mail",
    "marketing",
    "noreply",
    "no-reply",
    "office",
    "postmaster",
    "reception",
    "sales",
    "security",
    "support",
    "team",
    "webmaster",
];

impl Key {
    pub fn new(kind: KeyKind, value: impl Into<String>) -> Key {
        Key { kind, value: value.into() }
    }
    pub fn strength(&self) -> Strength {
        match self.kind {
            KeyKind::Id => Strength::Id,
            KeyKind::Email if is_role_address(&self.value) => Strength::RoleEmail,
            KeyKind::Email => Strength::PersonalEmail,
            KeyKind::Phone => Strength::Phone,
            KeyKind::Visitor => Strength::Visitor,
        }
    }
}

/// Whether the mailbox belongs to a function (`info@`) and so to nobody in particular.
pub fn is_role_address(email: &str) -> bool {
    // Bytes, not patterns: this is asked of every address in every judgement.
    let end = email.bytes().position(|b| matches!(b, b'@' | b'+')).unwrap_or(email.len());
    ROLE_LOCAL_PARTS.contains(&&email[..end])
}

/// A keyed hash (HMAC-SHA-256, first 16 bytes) of a key's kind and value: what is stored where the value must not be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyHash(pub [u8; 16]);

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hashes keys under the installation's secret. Losing the secret loses suppression and tombstones.
#[derive(Clone)]
pub struct KeyHasher(Hmac<Sha256>);

impl fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHasher")
    }
}

impl KeyHasher {
    pub fn new(secret: &[u8]) -> KeyHasher {
        KeyHasher(Hmac::new_from_slice(secret).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length")))
    }
    /// The hasher of replay and tests: a fixed, public secret, so that two runs agree.
    pub fn fixed() -> KeyHasher {
        KeyHasher::new(b"gleaner replay: not a secret")
    }
    /// An event of somebody forgotten: without the secret nobody can try ids against it, which may be addresses.
    pub fn forgotten(&self, event: EventKey) -> EventKey {
        let mut mac = self.0.clone();
        mac.update(b"event:");
        mac.update(&event.0);
        EventKey(first_16(&mac.finalize().into_bytes()))
    }
    pub fn hash(&self, key: &Key) -> KeyHash {
        let mut mac = self.0.clone();
        mac.update(key.kind.name().as_bytes());
        mac.update(b":");
        mac.update(key.value.as_bytes());
        KeyHash(first_16(&mac.finalize().into_bytes()))
    }
}

/// First 16 bytes of the SHA-256 of the parts, each followed by a zero byte so that no two lists of parts collide.
pub fn digest_16(parts: &[&[u8]]) -> [u8; 16] {
    let mut h = Sha256::new();
    for part in parts {
        h.update(part);
        h.update([0]);
    }
    first_16(&h.finalize())
}

fn first_16(bytes: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&bytes[..16]);
    out
}

/// What two leads say about themselves where a key that both carry might make them one person.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub keys: Keys<'a>,
    pub name: Option<&'a str>,
}

/// Keys wherever they are kept, looked at without copying.
#[derive(Clone, Copy, Debug)]
pub enum Keys<'a> {
    Listed(&'a [Key]),
    Known(&'a BTreeMap<Key, Moment>),
    Both(&'a BTreeMap<Key, Moment>, &'a [Key]),
}

impl Keys<'_> {
    fn any(&self, test: &dyn Fn(&Key) -> bool) -> bool {
        match self {
            Keys::Listed(list) => list.iter().any(test),
            Keys::Known(map) => map.keys().any(test),
            Keys::Both(map, list) => map.keys().any(test) || list.iter().any(test),
        }
    }
}

/// Whether the key may join the two into one lead, by its strength and what else they carry.
///
/// An `id` or a personal address always joins unless two different ids contradict; a phone number joins only
/// people without two different addresses and with compatible names; a role address is weaker still; a
/// visitor joins only where one side is nothing but anonymous behaviour.
pub fn may_join(key: &Key, a: Identity<'_>, b: Identity<'_>) -> bool {
    if differ(a.keys, b.keys, |k| k.kind == KeyKind::Id) {
        return false;
    }
    match key.strength() {
        Strength::Id | Strength::PersonalEmail => true,
        Strength::Phone | Strength::RoleEmail => {
            !differ(a.keys, b.keys, |k| k.strength() == Strength::PersonalEmail) && names_agree(a.name, b.name)
        }
        Strength::Visitor => is_anonymous(a.keys) || is_anonymous(b.keys),
    }
}

/// Both have keys of this sort, and none in common.
fn differ(a: Keys<'_>, b: Keys<'_>, sort: impl Fn(&Key) -> bool) -> bool {
    a.any(&sort) && b.any(&sort) && !a.any(&|k| sort(k) && b.any(&|other| other == k))
}

fn is_anonymous(keys: Keys<'_>) -> bool {
    !keys.any(&|k| k.kind != KeyKind::Visitor)
}

/// An unknown name agrees with every name; otherwise one must contain the words of the other ("Ana" and "Ana Ruiz").
fn names_agree(a: Option<&str>, b: Option<&str>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return true };
    let words = |s: &str| -> BTreeSet<String> {
        s.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
    };
    let (a, b) = (words(a), words(b));
    a.is_empty() || b.is_empty() || a.is_subset(&b) || b.is_subset(&a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(keys: &[(KeyKind, &str)]) -> Vec<Key> {
        keys.iter().map(|(k, v)| Key::new(*k, *v)).collect()
    }
    fn join(key: (KeyKind, &str), a: (&[Key], Option<&str>), b: (&[Key], Option<&str>)) -> bool {
        let key = Key::new(key.0, key.1);
        may_join(&key, Identity { keys: Keys::Listed(a.0), name: a.1 }, Identity { keys: Keys::Listed(b.0), name: b.1 })
    }
    use KeyKind::*;

    #[test]
    fn two_different_ids_never_join() {
        let (a, b) = (set(&[(Id, "1"), (Email, "a@x.example")]), set(&[(Id, "2"), (Email, "a@x.example")]));
        assert!(!join((Email, "a@x.example"), (&a, None), (&b, None)));
    }

    #[test]
    fn a_phone_joins_compatible_names_without_contradicting_addresses() {
        let phone = (Phone, "+13055552368");
        let (a, b) = (set(&[(Email, "a@x.example"), phone]), set(&[phone]));
        assert!(join(phone, (&a, Some("Ana Ruiz")), (&b, Some("ana"))));
        assert!(!join(phone, (&a, Some("Ana Ruiz")), (&b, Some("Bo Lind"))));
        let c = set(&[(Email, "c@x.example"), phone]);
        assert!(!join(phone, (&a, None), (&c, None)));
    }

    #[test]
    fn a_visitor_only_attaches_anonymous_behaviour() {
        let v = (Visitor, "v-9");
        let (known, other, anonymous) =
            (set(&[(Email, "a@x.example"), v]), set(&[(Phone, "+13055552368"), v]), set(&[v]));
        assert!(join(v, (&known, None), (&anonymous, None)));
        assert!(!join(v, (&known, None), (&other, None)));
    }

    #[test]
    fn a_role_address_is_weaker_than_a_phone() {
        assert!(Key::new(Email, "info@acme.example").strength() > Key::new(Phone, "+13055552368").strength());
        assert!(Key::new(Email, "ana@acme.example").strength() < Key::new(Phone, "+13055552368").strength());
    }
}
