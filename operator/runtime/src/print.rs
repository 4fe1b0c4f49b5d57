use crate::args::IdentityArgs;
use anyhow::Result;
use serde::Serialize;
use snc_plan::guards::{self, Identity};
use std::io::Write;

pub fn crds() -> Result<()> {
    documents(snc_api::all_crds().iter())
}

pub fn identity(args: &IdentityArgs) -> Identity {
    Identity { namespace: args.operator_namespace.clone(), service_account: args.service_account.clone() }
}

pub fn guards(args: &IdentityArgs) -> Result<()> {
    for guard in guards::guards(&identity(args), args.language) {
        documents([&guard.policy].into_iter())?;
        documents(guard.bindings.iter())?;
    }
    Ok(())
}

fn documents<'a, T: Serialize + 'a>(objects: impl Iterator<Item = &'a T>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for object in objects {
        // Through a JSON value: keys in one order whatever the type says.
        let yaml = serde_saphyr::to_string(&serde_json::to_value(object)?)?;
        writeln!(out, "---\n{}", yaml.trim_end())?;
    }
    Ok(())
}
