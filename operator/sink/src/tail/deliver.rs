//! Where what was read goes.

use crate::gaps::Note;
use crate::intake::{Intake, Items};
use crate::journal::ServerName;
use bytes::Bytes;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// Lines of a log file.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Each a JSON object on one line.
    pub items: Items,
    pub notes: Vec<Note>,
    /// After the last line.
    pub position: String,
}

impl Batch {
    /// As whoever takes events over HTTP wants it.
    pub fn list(&self) -> Bytes {
        let mut body = Vec::with_capacity(self.items.text().len() + self.items.len() + 100);
        body.extend_from_slice(
            br#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#,
        );
        for (nth, item) in self.items.iter().enumerate() {
            if nth > 0 {
                body.push(b',');
            }
            body.extend_from_slice(item);
        }
        body.extend_from_slice(b"]}");
        body.into()
    }
}

/// It is not known to be safe; it is to be delivered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    pub why: String,
    /// When the other side wants to be asked again.
    pub after: Option<Duration>,
}

pub trait Deliver: Send + Sync + 'static {
    /// Once this says yes, it is on disk.
    fn deliver<'a>(
        &'a self,
        server: &'a ServerName,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<(), Undelivered>>;
}

/// Within one process.
impl Deliver for Arc<Intake> {
    fn deliver<'a>(
        &'a self,
        server: &'a ServerName,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<(), Undelivered>> {
        Box::pin(async move {
            match self.file(server.clone(), batch.items.clone(), batch.notes.clone()).await {
                Ok(_) => Ok(()),
                Err(failure) => Err(Undelivered { why: failure.to_string(), after: None }),
            }
        })
    }
}
