//! Every object of a kind, written as it is.

use super::{Run, TRIES, Versions};
use crate::error::{Error, code, reason};
use kube::api::{DynamicObject, ListParams, PostParams};
use kube::{Api, ResourceExt};
use snc_core::names::MANAGER;

/// A list that takes longer than the API server remembers begins again; what was written is not written again.
const LISTS: usize = 5;
/// Of what was refused, so much is told.
const TOLD: usize = 5;

enum Written {
    /// By us, or it was stored in that version already.
    Done {
        anew: bool,
    },
    Gone,
    Refused(String),
}

impl Run {
    /// How many objects there are, and how many were stored anew. An error if one was not written.
    pub(super) async fn rewrite(&self, versions: &Versions) -> Result<(usize, usize), Error> {
        let plural = &versions.resource.plural;
        let all: Api<DynamicObject> = Api::all_with(self.client.clone(), &versions.resource);
        let mut written = 0;
        for _ in 0..LISTS {
            let (mut seen, mut refused, mut page) = (0, Vec::new(), None);
            loop {
                let asked = ListParams {
                    limit: Some(self.asked.page),
                    continue_token: page,
                    ..ListParams::default()
                };
                let list = match all.list(&asked).await {
                    Ok(list) => list,
                    Err(error) if code(&error) == 410 => break,
                    Err(error) => return Err(Error::api(plural)(error)),
                };
                for object in list.items {
                    match self.object(versions, object).await? {
                        Written::Done { anew } => {
                            seen += 1;
                            written += usize::from(anew);
                        }
                        Written::Gone => {}
                        Written::Refused(why) => refused.push(why),
                    }
                }
                page = list.metadata.continue_.filter(|token| !token.is_empty());
                if page.is_none() {
                    return self.all_of(refused).map(|()| (seen, written));
                }
            }
        }
        Err(Error::Config(self.asked.lang.pick(
            || format!("{plural} : la liste a expiré {LISTS} fois avant sa fin ; relancez"),
            || format!("{plural}: the list expired {LISTS} times before its end; run this again"),
        )))
    }

    async fn object(&self, versions: &Versions, mut object: DynamicObject) -> Result<Written, Error> {
        let resource = &versions.resource;
        let name = object.name_any();
        let api: Api<DynamicObject> = match object.namespace() {
            Some(namespace) => Api::namespaced_with(self.client.clone(), &namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        };
        let what = match object.namespace() {
            Some(namespace) => format!("{} {namespace}/{name}", resource.kind),
            None => format!("{} {name}", resource.kind),
        };
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        for _ in 0..TRIES {
            // Left out, the API server keeps them as they are.
            object.metadata.managed_fields = None;
            let before = object.resource_version();
            match api.replace(&name, &params, &object).await {
                Ok(now) => return Ok(Written::Done { anew: now.resource_version() != before }),
                Err(error) if code(&error) == 404 => return Ok(Written::Gone),
                // Somebody else wrote it, and may have begun before the version changed.
                Err(error) if code(&error) == 409 => match api.get_opt(&name).await {
                    Ok(Some(now)) => object = now,
                    Ok(None) => return Ok(Written::Gone),
                    Err(error) => return Err(Error::api(what)(error)),
                },
                Err(error) if (400..500).contains(&code(&error)) => {
                    return Ok(Written::Refused(format!("{what}: {}", reason(&error))));
                }
                Err(error) => return Err(Error::api(what)(error)),
            }
        }
        Ok(Written::Refused(self.asked.lang.pick(
            || format!("{what} : changé {TRIES} fois entre lecture et écriture"),
            || format!("{what}: changed {TRIES} times between being read and written"),
        )))
    }

    fn all_of(&self, refused: Vec<String>) -> Result<(), Error> {
        if refused.is_empty() {
            return Ok(());
        }
        let (number, told) = (refused.len(), refused[..refused.len().min(TOLD)].join("\n  "));
        Err(Error::Config(self.asked.lang.pick(
            || {
                format!(
                    "{number} objets n'ont pas été réécrits ; status.storedVersions reste tel quel. Corrigez ou supprimez-les, \
                     puis relancez :\n  {told}"
                )
            },
            || {
                format!(
                    "{number} objects were not rewritten; status.storedVersions stays as it is. Correct or delete them, then \
                     run this again:\n  {told}"
                )
            },
        )))
    }
}
