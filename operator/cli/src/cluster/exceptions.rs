//! The exceptions that people asked for, as far as the reader's rights go.

use super::Cluster;
use super::list::{Kind, Trouble, declared};
use kube::api::Api;
use kube::core::DeserializeGuard;
use snc_api::v1alpha1::{SncControl, SncException};
use snc_core::control::Severity;
use snc_index::Declared;
use std::collections::BTreeMap;

/// What is declared, and how severe the platform's own controls are.
#[derive(Default)]
pub struct Exceptions {
    pub all: Vec<(String, Declared<SncException>)>,
    pub custom: BTreeMap<String, Severity>,
}

impl Exceptions {
    /// Those that can be read.
    pub fn readable(&self) -> impl Iterator<Item = &SncException> {
        self.all.iter().filter_map(|(_, one)| one.as_ref().ok().map(AsRef::as_ref))
    }

    pub fn severity(&self, id: &str) -> Option<Severity> {
        let built_in = snc_catalogue::controls().iter().find(|control| control.id == id);
        built_in.map(|control| control.severity).or_else(|| self.custom.get(id).copied())
    }
}

impl Cluster {
    pub async fn exceptions(&self) -> Result<Exceptions, Trouble> {
        let exceptions: Api<DeserializeGuard<SncException>> = Api::all(self.client.clone());
        let controls: Api<DeserializeGuard<SncControl>> = Api::all(self.client.clone());
        let (all, custom) = futures::join!(declared(exceptions), declared(controls));
        let all = all?;
        let custom = match custom {
            Err(trouble) if trouble.kind == Kind::NotServed => Vec::new(),
            custom => custom?,
        };
        let severity =
            |(_, name, one): (String, String, Declared<SncControl>)| Some((name, one.ok()?.spec.severity));
        Ok(Exceptions {
            all: all.into_iter().map(|(_, name, one)| (name, one)).collect(),
            custom: custom.into_iter().filter_map(severity).collect(),
        })
    }
}
