//! What `audit` reads: every kind that a control reads, page by page; objects are judged as they come and let go.

use super::Cluster;
use super::list::{Kind, Trouble};
use http::Request;
use kube::Client;
use kube::core::ApiResource;
use kube::discovery::{ApiGroup, Discovery};
use serde::Deserialize;
use serde_json::Value;
use snc_catalogue::{Gist, Judge, Object, Scales};
use snc_core::secrets;
use snc_core::skim::Skim;
use snc_core::snapshot::Availability;
use snc_core::text::Text;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tokio::task::JoinHandle;

/// As many as keep a page small beside the answer's own cost.
const PAGE: u32 = 500;
const PODS: &str = "core/Pod";
/// Of Secrets only names, labels and annotations ever leave the API server.
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

    /// Asks for the first page of a kind; the answer may come while something else is judged.
    pub fn begin<'a>(&self, kind: &str, resource: &'a ApiResource) -> Listing<'a> {
        let mut parts = VecDeque::new();
        if kind == secrets::KIND {
            parts.extend(secrets::queries().map(|(selector, kind)| Part { selector, secrets: Some(kind) }));
        } else {
            parts.push_back(Part::default());
        }
        let mut listing =
            Listing { client: self.client.clone(), resource, kind: kind.to_owned(), parts, page: None };
        listing.ask("");
        listing
    }
}

/// What one query asks for.
#[derive(Default)]
struct Part {
    selector: String,
    /// The type of the Secrets that it gives.
    secrets: Option<&'static str>,
}

/// The pages of a kind. The next one is on its way while one is judged.
pub struct Listing<'a> {
    client: Client,
    resource: &'a ApiResource,
    kind: String,
    /// The one that is being read, and those to come.
    parts: VecDeque<Part>,
    page: Option<JoinHandle<Result<String, Trouble>>>,
}

impl Listing<'_> {
    fn ask(&mut self, token: &str) {
        let Some(part) = self.parts.front() else { return };
        let ApiResource { group, version, plural, .. } = self.resource;
        let root = if group.is_empty() { "api".to_owned() } else { format!("apis/{group}") };
        let mut path = format!("/{root}/{version}/{plural}?limit={PAGE}");
        if !part.selector.is_empty() {
            path = format!("{path}&fieldSelector={}", encoded(&part.selector));
        }
        if !token.is_empty() {
            path = format!("{path}&continue={}", encoded(token));
        }
        let accept = if part.secrets.is_some() { METADATA } else { "application/json" };
        let (client, plural) = (self.client.clone(), plural.clone());
        self.page = Some(tokio::spawn(async move {
            let request = Request::get(path).header("accept", accept).body(Vec::new());
            let request = request.map_err(|error| failed(&plural, error.to_string()))?;
            client.request_text(request).await.map_err(|error| Trouble::new(plural, &error))
        }));
    }

    /// Judges every object of the kind; gives how many there are.
    pub async fn judge(mut self, judge: &mut Judge<'_>) -> Result<u64, Trouble> {
        let scales = judge.scales();
        let mut count = 0;
        while let Some(page) = self.page.take() {
            let text = page.await.map_err(|error| self.failed(error.to_string()))??;
            let (items, next) = match cut(&text) {
                Some(found) => found,
                None => whole(&text).map_err(|error| self.failed(error.to_string()))?,
            };
            let secrets = self.parts.front().and_then(|part| part.secrets);
            let next = next.filter(|token| !token.is_empty());
            if next.is_none() {
                self.parts.pop_front();
            }
            self.ask(&next.unwrap_or_default());
            for item in items {
                judge.add(self.gist(&scales, item, secrets)?);
                count += 1;
            }
        }
        Ok(count)
    }

    fn gist(&self, scales: &Scales<'_>, item: Item<'_>, secrets: Option<&str>) -> Result<Gist, Trouble> {
        let ApiResource { api_version, kind, .. } = self.resource;
        let mut body = match item {
            Item::Text(text) => {
                let is_pod = self.kind == PODS;
                if let Some(gist) = is_pod.then(|| scales.glance(text, Some((api_version, kind)))).flatten() {
                    return Ok(gist);
                }
                serde_json::from_str(text).map_err(|error| self.failed(error.to_string()))?
            }
            Item::Value(value) => value,
        };
        if let Some(map) = body.as_object_mut() {
            // Items of a list do not say what they are; those of a list of metadata say something else.
            map.insert("apiVersion".to_owned(), Value::from(api_version.as_str()));
            map.insert("kind".to_owned(), Value::from(kind.as_str()));
            if let Some(kind) = secrets {
                map.insert("type".to_owned(), Value::from(kind));
            }
        }
        Object::new(body)
            .map(|object| scales.gist(object))
            .ok_or_else(|| self.failed("metadata.name".to_owned()))
    }

    fn failed(&self, detail: String) -> Trouble {
        failed(&self.resource.plural, detail)
    }
}

fn failed(what: &str, detail: String) -> Trouble {
    Trouble { kind: Kind::Failed, what: what.to_owned(), detail }
}

enum Item<'t> {
    Text(&'t str),
    Value(Value),
}

/// The items of a page, and how to ask for the next one.
type Items<'t> = (Vec<Item<'t>>, Option<String>);

/// The items as they are written; None where anything is unusual.
fn cut(text: &str) -> Option<Items<'_>> {
    let (mut items, mut meta) = (None, None);
    let mut skim = Skim::new(text);
    skim.object(|key, skim| match key {
        "metadata" if meta.is_none() => {
            meta = serde_json::from_str::<PageMeta>(skim.value()?).ok();
            meta.is_some().then_some(())
        }
        "items" if items.is_none() => {
            let found = items.insert(Vec::new());
            skim.list(|skim| {
                found.push(Item::Text(skim.value()?));
                Some(())
            })
        }
        "metadata" | "items" => None,
        _ => skim.value().map(drop),
    })?;
    skim.ends()?;
    Some((items.unwrap_or_default(), meta.unwrap_or_default().continue_))
}

fn whole(text: &str) -> serde_json::Result<Items<'_>> {
    let Page { metadata, items } = serde_json::from_str(text)?;
    Ok((items.unwrap_or_default().into_iter().map(Item::Value).collect(), metadata.continue_))
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
