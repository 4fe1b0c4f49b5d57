//! Scans of images, what runs, and when things were first seen; the only thing that is written is a scan.

use super::Cluster;
use super::list::{Kind, Trouble, declared, pages};
use kube::ResourceExt;
use kube::api::{Api, ListParams, PostParams};
use kube::core::{ApiResource, DeserializeGuard, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};
use snc_api::v1alpha1::{SncBaseline, SncImageScan};
use snc_catalogue::Profile;
use snc_core::names::GROUP;
use snc_core::snapshot::{Availability, Home, Snapshot};
use snc_core::tier::Level;
use snc_core::verdict::Subject;
use snc_index::Index;
use snc_plan::profile::cluster_profile;

/// What became of a scan that was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Written {
    Created,
    Replaced,
    Unchanged,
}

struct Watched {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    /// A cluster need not serve it.
    optional: bool,
}

const SCANS: Watched = Watched {
    group: GROUP,
    version: "v1alpha1",
    kind: "SncImageScan",
    plural: "sncimagescans",
    optional: false,
};
const LEDGERS: Watched = Watched {
    group: GROUP,
    version: "v1alpha1",
    kind: "SncImageLedger",
    plural: "sncimageledgers",
    optional: false,
};
const REPORTS: Watched = Watched {
    group: "aquasecurity.github.io",
    version: "v1alpha1",
    kind: "VulnerabilityReport",
    plural: "vulnerabilityreports",
    optional: true,
};
const PODS: Watched = Watched { group: "", version: "v1", kind: "Pod", plural: "pods", optional: false };

/// What is known of images, and what could not be read.
pub struct Images {
    pub snapshot: Snapshot,
    pub profile: Profile,
    pub troubles: Vec<Trouble>,
}

impl Cluster {
    pub async fn import(&self, scan: &SncImageScan) -> Result<Written, Trouble> {
        let namespace = scan.namespace().unwrap_or_default();
        let api: Api<SncImageScan> = Api::namespaced(self.client.clone(), &namespace);
        let name = scan.name_any();
        let failed = |error: kube::Error| Trouble::new(format!("{namespace}/{name}"), &error);
        let parameters =
            PostParams { field_manager: Some("kubectl-snc".to_owned()), ..PostParams::default() };
        let Some(live) = api.get_opt(&name).await.map_err(failed)? else {
            return api.create(&parameters, scan).await.map(|_| Written::Created).map_err(failed);
        };
        if live.spec == scan.spec {
            return Ok(Written::Unchanged);
        }
        let mut scan = scan.clone();
        scan.metadata = live.metadata;
        scan.metadata.managed_fields = None;
        api.replace(&name, &parameters, &scan).await.map(|_| Written::Replaced).map_err(failed)
    }

    /// With pods where what runs is asked for. `namespace` is the only one that may be read, if any.
    pub async fn images(&self, home: &str, namespace: Option<&str>, pods: bool) -> Images {
        let mut images = Images {
            snapshot: Snapshot::default(),
            profile: Profile::new(Level::Avance),
            troubles: Vec::new(),
        };
        images.snapshot.home = Home(home.to_owned());
        self.put(&mut images, &SCANS, namespace, home).await;
        self.put(&mut images, &REPORTS, namespace, home).await;
        self.put(&mut images, &LEDGERS, Some(home), home).await;
        if pods {
            self.put(&mut images, &PODS, namespace, home).await;
        }
        let baselines: Api<DeserializeGuard<SncBaseline>> = Api::all(self.client.clone());
        match declared(baselines).await {
            Ok(all) => {
                let mut index = Index::default();
                index.reset_baselines(all.into_iter().map(|(_, name, one)| (name, one)).collect());
                images.profile = cluster_profile(&index);
            }
            Err(trouble) => images.troubles.push(trouble),
        }
        images
    }

    async fn put(&self, images: &mut Images, watched: &Watched, namespace: Option<&str>, home: &str) {
        let Watched { group, version, kind, plural, optional } = watched;
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        let api_version = resource.api_version.clone();
        let key = Subject::new(&api_version, kind, "", "").kind_key();
        let places = match namespace {
            None => vec![None],
            Some(one) if *plural == SCANS.plural && one != home => vec![Some(one), Some(home)],
            Some(one) => vec![Some(one)],
        };
        images.snapshot.set(&key, Availability::Held);
        for place in places {
            let api: Api<DynamicObject> = match place {
                Some(place) => Api::namespaced_with(self.client.clone(), place, &resource),
                None => Api::all_with(self.client.clone(), &resource),
            };
            match pages(api, ListParams::default(), (*plural).to_owned()).await {
                Ok(all) => {
                    for object in all {
                        let subject = Subject::new(
                            &api_version,
                            kind,
                            &object.namespace().unwrap_or_default(),
                            &object.name_any(),
                        );
                        let body = body(object);
                        images.snapshot.put(&subject, &body);
                    }
                }
                Err(trouble) if *optional && trouble.kind == Kind::NotServed => {}
                Err(trouble) => {
                    images.snapshot.set(&key, super::unread(&trouble));
                    images.troubles.push(trouble);
                }
            }
        }
    }
}

fn body(object: DynamicObject) -> Value {
    let mut body = object.data;
    if let Some(map) = body.as_object_mut() {
        let owners = object.metadata.owner_references;
        map.insert("metadata".to_owned(), json!({"ownerReferences": owners}));
    }
    body
}
