//! How much the broker's queues hold: one passive declaration each, on the publishing connection.
//!
//! While the broker blocks that connection (an alarm) it answers nothing there, and nothing is known.

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;

use super::publish::Publisher;
use super::session::{lost, reply_code, short};
use crate::queue::{Depth, QueueError};

impl Publisher {
    /// How much every queue of the topology holds; one that is not there is left out.
    ///
    /// # Errors
    /// Those of a connection.
    pub async fn depths(&self) -> Result<Vec<Depth>, QueueError> {
        let line = self.line.open(&self.shared, self.deadline()).await?;
        let mut channel = line.session.channel().await?;
        let (prefix, queues) = (&self.shared.settings.prefix, &self.shared.topology.queues);
        let mut depths = Vec::with_capacity(queues.len());
        for name in queues.iter().map(|queue| &queue.name) {
            let options = QueueDeclareOptions { passive: true, ..Default::default() };
            let asked = channel.queue_declare(short(name), options, FieldTable::default());
            match line.session.answer(name, asked).await? {
                Ok(queue) => depths.push(Depth {
                    queue: name.strip_prefix(prefix.as_str()).unwrap_or(name).to_string(),
                    messages: queue.message_count().into(),
                    consumers: Some(queue.consumer_count().into()),
                }),
                // Not there, or not for this user's eyes; the channel went with the answer.
                Err(error) if matches!(reply_code(&error), Some(403 | 404)) => channel = line.session.channel().await?,
                Err(error) => return Err(lost(&error)),
            }
        }
        // An error means that the connection is gone, which the next call notices.
        let _closed = line.session.answer("the end of a channel", channel.close(200, "OK".into())).await;
        Ok(depths)
    }
}
