//! What a deployment sets for RabbitMQ, and the address taken apart.
//!
//! The password stays in here: neither `Display` nor `Debug` shows it, and no error quotes the address.

use std::fmt;
use std::time::Duration;

use lapin::uri::AMQPUri;

use crate::config::Secret;
use crate::queue::{Overrides, QueueError};

#[derive(Clone)]
pub struct RabbitSettings {
    /// `amqp://user:password@host:port/vhost`, `amqps://` for TLS; the virtual host `/` is written `%2f`.
    pub url: String,
    /// Put before the name of every exchange and queue, such as `acme.`.
    pub prefix: String,
    /// What the connections are called in RabbitMQ's own listings.
    pub name: String,
    /// Certificates in PEM that are trusted for `amqps://` besides the public ones.
    pub ca_pem: Option<String>,
    /// Certificate and private key in PEM, for a broker that asks who we are.
    pub client_pem: Option<Secret>,
    /// Whether exchanges, queues and bindings are declared here. Switch it off where the user may not configure the
    /// broker and somebody who may has applied the topology.
    pub declare: bool,
    pub overrides: Overrides,
    /// How long nothing may arrive before the queue is asked whether it holds anything.
    pub idle_check: Duration,
    /// The bound on one call that publishes, everything included.
    pub publish_within: Duration,
    /// The bound on opening a connection, and on each answer to a declaration.
    pub open_within: Duration,
}

impl RabbitSettings {
    /// The defaults, for the broker at this address.
    pub fn new(url: impl Into<String>) -> RabbitSettings {
        RabbitSettings {
            url: url.into(),
            prefix: String::new(),
            name: "gleaner".to_string(),
            ca_pem: None,
            client_pem: None,
            declare: true,
            overrides: Overrides::default(),
            // A queue is asked once in half a minute when there is nothing to do: one cheap call.
            idle_check: Duration::from_secs(30),
            publish_within: Duration::from_secs(10),
            open_within: Duration::from_secs(5),
        }
    }

    /// The address taken apart, with a heartbeat where none is given.
    ///
    /// # Errors
    /// [`QueueError::Refused`] with a sentence that says what an address looks like, without the address.
    pub fn uri(&self) -> Result<AMQPUri, QueueError> {
        // The parser's own messages may quote the whole address, password included: they are not passed on.
        let mut uri = self.url.parse::<AMQPUri>().map_err(|_| {
            QueueError::Refused(
                "the address of the queue is not of the form amqp://user:password@host:5672/%2f (in a password / is %2f, # is %23, \
                 @ is %40)"
                    .to_string(),
            )
        })?;
        // The parser knows only names and takes any [IPv6] for localhost.
        if let Some(host) = ipv6_host(&self.url) {
            uri.authority.host = host.to_string();
        }
        // A dead peer is noticed after twice this; RabbitMQ's own 60 s would mean two minutes of silence.
        uri.query.heartbeat = uri.query.heartbeat.or(Some(10));
        Ok(uri)
    }
}

/// What stands between the brackets of the host, where it has brackets.
fn ipv6_host(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split(['/', '?']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.strip_prefix('[')?.split_once(']').map(|(host, _)| host)
}

impl fmt::Display for RabbitSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(uri) = self.uri() else { return f.write_str("an address that cannot be read") };
        let scheme = uri.scheme;
        let (user, host, port) = (&uri.authority.userinfo.username, &uri.authority.host, uri.authority.port);
        write!(f, "{scheme}://{user}:***@{host}:{port}, virtual host {:?}", uri.vhost)
    }
}

impl fmt::Debug for RabbitSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitSettings")
            .field("url", &self.to_string())
            .field("prefix", &self.prefix)
            .field("declare", &self.declare)
            .field("overrides", &self.overrides)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "amqp://ana:s3cret@rabbit.example:5673/%2fsales",
            "amqps://ana:s3cret@[fd00::5]:5671/sales?heartbeat=30",
            "not an address s3cret",
            "mailto:s3cret",
            "amqp://ana:s3cret@host:99999/",
        ] {
            let settings = RabbitSettings::new(url);
            let shown = format!("{settings} {settings:?} {:?}", settings.uri().err());
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        let shown = RabbitSettings::new("amqp://ana:s3cret@rabbit.example:5673/%2f").to_string();
        assert_eq!(shown, "amqp://ana:***@rabbit.example:5673, virtual host \"/\"");
    }

    #[test]
    fn a_heartbeat_of_ten_seconds_unless_one_is_given() -> Result<(), QueueError> {
        assert_eq!(RabbitSettings::new("amqp://host/%2f").uri()?.query.heartbeat, Some(10));
        assert_eq!(RabbitSettings::new("amqp://host/%2f?heartbeat=30").uri()?.query.heartbeat, Some(30));
        Ok(())
    }

    #[test]
    fn an_ipv6_address_is_not_taken_for_localhost() -> Result<(), QueueError> {
        assert_eq!(RabbitSettings::new("amqp://u:p@[fd00::5]:5671/%2f").uri()?.authority.host, "fd00::5");
        assert_eq!(RabbitSettings::new("amqp://[::1]/").uri()?.authority.host, "::1");
        assert_eq!(RabbitSettings::new("amqp://127.0.0.1/").uri()?.authority.host, "127.0.0.1");
        Ok(())
    }
}
