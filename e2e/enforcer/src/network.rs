//! As the last CNI plugin of a node's network: a pod gets no network, and does not start, before there is a table that
//! closes it. So it is with network plugins that fail closed; a table of which nobody knows would be none.

use crate::table_is_there;
use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::Value;
use std::io;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    cni_version: String,
    /// What the plugins before have made.
    prev_result: Option<Value>,
}

/// Tries again, says the number: the kubelet does.
const TRY_AGAIN: u8 = 11;

pub async fn answer(command: &str) -> Result<()> {
    match command {
        "ADD" => {
            let asked: Asked = serde_json::from_reader(io::stdin().lock())?;
            if table_is_there().await? {
                if let Some(result) = asked.prev_result {
                    println!("{result}");
                }
                return Ok(());
            }
            let version = &asked.cni_version;
            let why = "snc-enforcer has no table yet";
            println!(r#"{{"cniVersion":"{version}","code":{TRY_AGAIN},"msg":"{why}"}}"#);
            bail!(why)
        }
        "VERSION" => {
            println!(r#"{{"cniVersion":"1.0.0","supportedVersions":["1.0.0"]}}"#);
            Ok(())
        }
        _ => Ok(()),
    }
}
