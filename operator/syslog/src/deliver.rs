//! A few messages on a connection of their own, for what is not in the journal: anchors, alarms.

use crate::forward::session::{Lost, silence};
use crate::message::{Message, Written};
use crate::settings::Settings;
use crate::target::Target;
use std::pin::pin;
use tokio::io::{AsyncWriteExt as _, split};
use tokio::time::timeout;

/// Returns after the settle time: then all of them count as delivered, as far as syslog lets one say that. On an error
/// none does, and the caller sends them again.
pub async fn deliver(
    target: &Target,
    settings: &Settings,
    messages: &[Message],
) -> Result<Vec<Written>, Lost> {
    let origin = settings.origin().map_err(Lost::settings)?;
    let mut text = Vec::new();
    let written = messages.iter().map(|message| origin.frame(message, &mut text)).collect();
    let stream = timeout(settings.connect, target.connect(settings.settle / 2)).await;
    let (read, mut write) = split(stream.map_err(|_| Lost::late("connect"))?.map_err(Lost::connect)?);
    let mut lost = pin!(silence(read));
    let sending = async {
        write.write_all(&text).await?;
        write.flush().await
    };
    tokio::select! {
        lost = &mut lost => return Err(lost),
        sent = timeout(settings.write, sending) => sent.map_err(|_| Lost::late("write"))?.map_err(Lost::write)?,
    }
    if let Ok(lost) = timeout(settings.settle, &mut lost).await {
        return Err(lost);
    }
    // They are delivered; how the connection ends says nothing more of them.
    let _ = timeout(settings.write, write.shutdown()).await;
    Ok(written)
}
