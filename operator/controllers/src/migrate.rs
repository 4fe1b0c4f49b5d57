//! What etcd holds in a version that a CRD no longer stores is written once more, unchanged: the API server then stores it in
//! the version of today, and only when that was done for every object is the older one struck out of `status.storedVersions`.
//! Until then no release may drop that version. Nothing is kept between two calls: what is stored as it should be is not
//! written again by etcd, so that a call that was cut short is simply made once more.

mod objects;

use crate::error::{Error, code, reason};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, GroupVersionKind, PostParams};
use kube::{Api, Client, ResourceExt};
use snc_core::lang::Lang;
use snc_core::names::MANAGER;
use std::time::Duration;

/// Of a definition that others change at the same time.
const TRIES: usize = 10;

pub struct Migration {
    pub lang: Lang,
    /// Objects that are asked for at once.
    pub page: u32,
    /// How long every API server may take to store in a version that a CRD was just given.
    pub settle: Duration,
    /// Told of each step, as it happens.
    pub say: fn(&str),
}

/// What a definition says of its versions.
struct Versions {
    /// In which objects are written from now on.
    storage: String,
    /// In which some may still be stored.
    older: Vec<String>,
    resource: ApiResource,
}

impl Versions {
    fn of(definition: &CustomResourceDefinition) -> Option<Self> {
        let spec = &definition.spec;
        let storage = spec.versions.iter().find(|version| version.storage)?;
        // Whatever version it is asked in, the API server writes its storage version.
        let served = if storage.served { Some(storage) } else { spec.versions.iter().find(|v| v.served) }?;
        let kind = GroupVersionKind::gvk(&spec.group, &served.name, &spec.names.kind);
        let stored = definition.status.iter().flat_map(|status| status.stored_versions.iter().flatten());
        Some(Self {
            storage: storage.name.clone(),
            older: stored.filter(|&version| *version != storage.name).cloned().collect(),
            resource: ApiResource::from_gvk_with_plural(&kind, &spec.names.plural),
        })
    }
}

pub async fn migrate(kube: kube::Config, asked: Migration) -> Result<(), Error> {
    with(Client::try_from(kube).map_err(Error::api("client"))?, asked).await
}

async fn with(client: Client, asked: Migration) -> Result<(), Error> {
    let (lang, say) = (asked.lang, asked.say);
    let run = Run { definitions: Api::all(client.clone()), client, asked };
    let (mut current, mut migrated) = (0, 0);
    for definition in snc_api::all_crds() {
        match run.definition(&definition.name_any()).await? {
            Found::Nothing => {}
            Found::Current => current += 1,
            Found::Migrated => migrated += 1,
        }
    }
    if migrated == 0 {
        say(&lang.pick(
            || format!("rien à faire : {current} CRD ne conservent que leur version de stockage"),
            || format!("nothing to do: {current} CRDs store nothing but their storage version"),
        ));
    }
    Ok(())
}

enum Found {
    Nothing,
    Current,
    Migrated,
}

struct Run {
    client: Client,
    definitions: Api<CustomResourceDefinition>,
    asked: Migration,
}

impl Run {
    async fn definition(&self, name: &str) -> Result<Found, Error> {
        let Migration { lang, say, .. } = self.asked;
        let mut found = Found::Current;
        for _ in 0..TRIES {
            let Some(definition) = self.read(name).await? else {
                say(&lang
                    .pick(|| format!("{name} : n'est pas installé"), || format!("{name}: is not installed")));
                return Ok(Found::Nothing);
            };
            let versions = self.versions(name, &definition)?;
            let Versions { storage, older, .. } = &versions;
            if older.is_empty() {
                return Ok(found);
            }
            let from = older.join(", ");
            say(&lang.pick(
                || format!("{name} : {from} conservée, {storage} écrite ; réécriture de chaque objet"),
                || format!("{name}: {from} is stored, {storage} is written; rewriting every object"),
            ));
            tokio::time::sleep(self.asked.settle).await;
            let (seen, written) = self.rewrite(&versions).await?;
            say(&lang.pick(
                || format!("{name} : {seen} objets, dont {written} réécrits en {storage}"),
                || format!("{name}: {seen} objects, {written} of them rewritten in {storage}"),
            ));
            if self.strike(name, &versions).await? {
                found = Found::Migrated;
            }
        }
        Err(Error::Config(lang.pick(
            || format!("{name} : change sans cesse ; relancez quand plus personne ne l'écrit"),
            || format!("{name}: does not stop changing; run this again when nobody writes it any more"),
        )))
    }

    async fn read(&self, name: &str) -> Result<Option<CustomResourceDefinition>, Error> {
        let what = format!("CustomResourceDefinition {name}");
        self.definitions.get_opt(name).await.map_err(Error::api(what))
    }

    fn versions(&self, name: &str, definition: &CustomResourceDefinition) -> Result<Versions, Error> {
        Versions::of(definition).ok_or_else(|| {
            Error::Config(self.asked.lang.pick(
                || format!("{name} : aucune version n'est servie, ses objets ne peuvent être réécrits"),
                || format!("{name}: no version is served, its objects cannot be rewritten"),
            ))
        })
    }

    /// Whether only the storage version is left. Not if the definition became another one while its objects were written.
    async fn strike(&self, name: &str, before: &Versions) -> Result<bool, Error> {
        let Migration { lang, say, .. } = self.asked;
        let Some(mut definition) = self.read(name).await? else { return Ok(false) };
        let now = self.versions(name, &definition)?;
        if now.storage != before.storage || now.older != before.older {
            return Ok(false);
        }
        if let Some(status) = &mut definition.status {
            status.stored_versions = Some(vec![now.storage.clone()]);
        }
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        match self.definitions.replace_status(name, &params, &definition).await {
            Ok(_) => {
                say(&lang.pick(
                    || format!("{name} : seule {} est conservée", now.storage),
                    || format!("{name}: only {} is stored", now.storage),
                ));
                Ok(true)
            }
            Err(error) if code(&error) == 409 => Ok(false),
            Err(error) => Err(Error::Config(format!("{name}/status: {}", reason(&error)))),
        }
    }
}

#[cfg(test)]
mod tests;
