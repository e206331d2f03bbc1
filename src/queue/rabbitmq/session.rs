//! One connection to the broker with a bound on everything: opening it, opening channels, ending it.
//!
//! lapin's own recovery stays off, since it can leave a consumer silent behind a healthy-looking connection: a session
//! that fails is dropped whole, and the caller opens another.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::types::ShortString;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties, ErrorKind};
use tokio::time::timeout;

use super::{RabbitSettings, Shared};
use crate::queue::QueueError;

/// How long a polite goodbye may take before the socket is shut: while the broker blocks a connection it does not
/// answer a close at all.
const GOODBYE: Duration = Duration::from_secs(2);

pub struct Session {
    connection: Connection,
    wire: Wire,
    open_within: Duration,
}

impl Session {
    /// Connects; `role` names the connection in RabbitMQ's listings.
    ///
    /// # Errors
    /// [`QueueError::Refused`] where user, password or virtual host is wrong, else [`QueueError::Unreachable`].
    pub async fn open(shared: &Shared, role: &str) -> Result<Session, QueueError> {
        let settings = &shared.settings;
        let wire = Wire::default();
        let name = format!("{} {role} (process {})", settings.name, std::process::id());
        let options = ConnectionProperties::default().with_connection_name(name.into());
        let connecting = connect(shared.uri.clone(), tls(settings), options, &wire, settings.open_within);
        match timeout(settings.open_within, connecting).await {
            Ok(Ok(connection)) => Ok(Session { connection, wire, open_within: settings.open_within }),
            Ok(Err(error)) => Err(why_not_open(error, &shared.uri)),
            // Dropping the wire shuts the socket, which ends lapin's thread: it would wait for a silent peer for ever.
            Err(_) => Err(QueueError::Unreachable(io::Error::from(io::ErrorKind::TimedOut).into())),
        }
    }

    /// Opens a channel.
    ///
    /// # Errors
    /// [`QueueError::SessionLost`].
    pub async fn channel(&self) -> Result<Channel, QueueError> {
        match timeout(self.open_within, self.connection.create_channel()).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(error)) => Err(lost(&error)),
            Err(_) => Err(silent("to a new channel", self.open_within)),
        }
    }

    /// Waits for the broker's answer to `call`; the outer error is its silence.
    ///
    /// # Errors
    /// [`QueueError::SessionLost`] where no answer comes in time.
    pub async fn answer<T>(
        &self,
        what: &str,
        call: impl Future<Output = lapin::Result<T>>,
    ) -> Result<lapin::Result<T>, QueueError> {
        timeout(self.open_within, call).await.map_err(|_| silent(&format!("about {what}"), self.open_within))
    }

    /// The largest frame this connection may carry; the properties of a message must fit in one.
    pub fn frame_bytes(&self) -> usize {
        self.connection.configuration().frame_max() as usize
    }

    pub fn is_connected(&self) -> bool {
        self.connection.status().connected()
    }

    /// The broker has an alarm (memory, disk) and takes nothing from this connection.
    pub fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Shuts the socket at once: what was not yet written never will be.
    pub fn cut(&self) {
        self.wire.cut();
    }

    /// Says goodbye, and cuts where no answer comes.
    pub async fn end(self) {
        if self.is_connected() {
            // Nothing follows from the outcome: the drop of `self` shuts the socket either way.
            let _ = timeout(GOODBYE, self.connection.close(200, "OK".into())).await;
        }
    }
}

/// A second handle on the socket, to shut it without lapin: a close through lapin can hang, its socket cannot.
/// Clones are the same wire; the last one dropped shuts it.
#[derive(Clone, Default)]
struct Wire(Arc<WireInner>);

#[derive(Default)]
struct WireInner(OnceLock<std::net::TcpStream>);

impl Wire {
    fn cut(&self) {
        self.0.cut();
    }
}

impl WireInner {
    fn cut(&self) {
        if let Some(socket) = self.0.get() {
            // An error means that it is shut already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for WireInner {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Certificate and key stand in one file, and each is found there by its kind.
fn tls(settings: &RabbitSettings) -> OwnedTLSConfig {
    let identity = settings.client_pem.as_ref().map(|pem| {
        let pem = pem.expose().as_bytes().to_vec();
        OwnedIdentity::PKCS8 { pem: pem.clone(), key: pem }
    });
    OwnedTLSConfig { identity, cert_chain: settings.ca_pem.clone() }
}

async fn connect(
    uri: AMQPUri,
    tls: OwnedTLSConfig,
    options: ConnectionProperties,
    wire: &Wire,
    within: Duration,
) -> lapin::Result<Connection> {
    let runtime = lapin::runtime::default_runtime()?;
    let reactor = runtime.clone();
    // Held weakly over there: a wire given up here must be shut even while lapin's thread still keeps this closure.
    let wire = Arc::downgrade(&wire.0);
    let connector = async move |uri: AMQPUri, _| {
        let host = (uri.authority.host.as_str(), uri.authority.port);
        let reach = async {
            let addresses: Vec<_> = tokio::net::lookup_host(host).await?.collect();
            AsyncTcpStream::connect(&reactor, addresses).await
        };
        let stream = timeout(within, reach).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if let AsyncTcpStream::Plain(plain) = &stream {
            let twin = std::net::TcpStream::from(plain.get_ref().as_fd().try_clone_to_owned()?);
            let wire = wire.upgrade().ok_or_else(|| io::Error::from(io::ErrorKind::TimedOut))?;
            // Set once: this closure runs once, without lapin's recovery.
            let _ = wire.0.set(twin);
        }
        match uri.scheme {
            AMQPScheme::AMQP => Ok(stream),
            AMQPScheme::AMQPS => Ok(stream.into_tls(&uri.authority.host, tls.as_ref()).await?),
        }
    };
    Connection::connector(uri, runtime, connector, options).await
}

fn why_not_open(error: lapin::Error, uri: &AMQPUri) -> QueueError {
    match reply_code(&error) {
        // ACCESS_REFUSED: user or password; NOT_ALLOWED and INVALID_PATH: the virtual host.
        Some(403) => QueueError::Refused(format!(
            "user {:?} may not log in to {}:{}, or the password is wrong",
            uri.authority.userinfo.username, uri.authority.host, uri.authority.port
        )),
        Some(402 | 530) => QueueError::Refused(format!(
            "user {:?} may not use the virtual host {:?}, or there is none of that name (the address ends in /%2f for the virtual host \"/\")",
            uri.authority.userinfo.username, uri.vhost
        )),
        _ => QueueError::Unreachable(Box::new(error)),
    }
}

/// The code of the broker's reply, where the error is one.
pub fn reply_code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}

/// An error of an open session: whatever it is, that session is over.
pub fn lost(error: &lapin::Error) -> QueueError {
    QueueError::SessionLost(error.to_string())
}

pub fn silent(what: &str, within: Duration) -> QueueError {
    QueueError::SessionLost(format!("no answer {what} within {within:?}"))
}

/// A text as AMQP's short string, cut to the 255 bytes that it holds (lapin would panic on a longer one).
pub fn short(text: &str) -> ShortString {
    let mut end = text.len().min(255);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    ShortString::try_new(&text[..end]).unwrap_or_default()
}
