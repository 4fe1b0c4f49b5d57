//! What `audit` reads: every kind that a control reads, page by page; objects are judged as they come and let go.

use super::Cluster;
use super::list::{Kind, Trouble};
use http::Request;
use kube::core::ApiResource;
use kube::discovery::{ApiGroup, Discovery};
use serde::Deserialize;
use serde_json::Value;
use snc_catalogue::{Judge, Object};
use snc_core::snapshot::Availability;
use snc_core::text::Text;
use std::collections::{BTreeMap, BTreeSet};

/// As many as keep a page small beside the answer's own cost.
const PAGE: u32 = 500;
/// Only names, labels and annotations of these ever leave the API server.
const SECRETS: &str = "core/Secret";
/// Types of Secrets that controls speak of; all others are one to them.
const SECRET_TYPES: [&str; 4] = [
    "kubernetes.io/service-account-token",
    "kubernetes.io/basic-auth",
    "kubernetes.io/ssh-auth",
    "kubernetes.io/tls",
];
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(default)]
    items: Option<Vec<Value>>,
}

#[derive(Deserialize, Default)]
struct PageMeta {
    #[serde(default, rename = "continue")]
    continue_: Option<String>,
}

impl Cluster {
    /// Where each of these kinds is served.
    pub async fn served(&self, kinds: &BTreeSet<String>) -> Result<BTreeMap<String, ApiResource>, Trouble> {
        let groups: BTreeSet<&str> = kinds.iter().filter_map(|kind| kind.split('/').next()).collect();
        let names: Vec<&str> = groups.iter().map(|group| if *group == "core" { "" } else { group }).collect();
        let discovery = Discovery::new(self.client.clone()).filter(&names).run_aggregated().await;
        let discovery = discovery.map_err(|error| Trouble::new("/apis".to_owned(), &error))?;
        let mut found = BTreeMap::new();
        for kind in kinds {
            let (group, name) = kind.split_once('/').unwrap_or(("core", kind));
            let group = if group == "core" { "" } else { group };
            let served = discovery.groups().filter(|served| served.name() == group);
            let resource = served.flat_map(ApiGroup::recommended_resources).find(|(r, _)| r.kind == name);
            if let Some((resource, _)) = resource {
                found.insert(kind.clone(), resource);
            }
        }
        Ok(found)
    }

    /// Judges every object of a kind; gives how many there are.
    pub async fn judge(
        &self,
        judge: &mut Judge<'_>,
        kind: &str,
        resource: &ApiResource,
    ) -> Result<u64, Trouble> {
        if kind != SECRETS {
            return self.pages(judge, resource, None, "application/json").await;
        }
        let others: Vec<String> = SECRET_TYPES.iter().map(|kind| format!("type!={kind}")).collect();
        let mut count = self.pages(judge, resource, Some((&others.join(","), "")), METADATA).await?;
        for kind in SECRET_TYPES {
            count += self.pages(judge, resource, Some((&format!("type={kind}"), kind)), METADATA).await?;
        }
        Ok(count)
    }

    async fn pages(
        &self,
        judge: &mut Judge<'_>,
        resource: &ApiResource,
        secrets: Option<(&str, &str)>,
        accept: &str,
    ) -> Result<u64, Trouble> {
        let told = |error: &kube::Error| Trouble::new(resource.plural.clone(), error);
        let failed = |detail: String| Trouble { kind: Kind::Failed, what: resource.plural.clone(), detail };
        let root =
            if resource.group.is_empty() { "api".to_owned() } else { format!("apis/{}", resource.group) };
        let mut count = 0;
        let mut token = String::new();
        loop {
            let mut path = format!("/{root}/{}/{}?limit={PAGE}", resource.version, resource.plural);
            if let Some((selector, _)) = secrets {
                path = format!("{path}&fieldSelector={}", encoded(selector));
            }
            if !token.is_empty() {
                path = format!("{path}&continue={}", encoded(&token));
            }
            let request = Request::get(path).header("accept", accept).body(Vec::new());
            let request = request.map_err(|error| failed(error.to_string()))?;
            let text = self.client.request_text(request).await.map_err(|error| told(&error))?;
            let page: Page = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
            drop(text);
            for mut item in page.items.unwrap_or_default() {
                if let Some(map) = item.as_object_mut() {
                    // Items of a list do not say what they are; those of a list of metadata say something else.
                    map.insert("apiVersion".to_owned(), Value::from(resource.api_version.as_str()));
                    map.insert("kind".to_owned(), Value::from(resource.kind.as_str()));
                    if let Some((_, kind)) = secrets {
                        map.insert("type".to_owned(), Value::from(kind));
                    }
                }
                let object = Object::new(item).ok_or_else(|| failed("metadata.name".to_owned()))?;
                judge.see(&object);
                count += 1;
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(next) => token = next,
                None => return Ok(count),
            }
        }
    }
}

/// What is said of a kind that could not be read.
pub fn unread(trouble: &Trouble) -> Availability {
    match trouble.kind {
        Kind::NotServed => Availability::NotServed,
        _ => Availability::NotRead(Text::new(
            trouble.message(snc_core::lang::Lang::Fr),
            trouble.message(snc_core::lang::Lang::En),
        )),
    }
}

fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
