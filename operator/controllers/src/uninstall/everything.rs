//! What the operator ever made: first what refuses, then what isolates, in the end what was declared.

use super::removal::{
    BINDING, CONFIG_MAP, DEFINITION, Kind, LIMIT_RANGE, NAMESPACE, NETWORK_POLICY, POLICY, RESOURCE_QUOTA,
    ROLE_BINDING, Removal, SECRET,
};
use crate::apply;
use crate::error::{Error, code, reason};
use kube::ResourceExt;
use kube::api::ListParams;
use snc_core::names::{
    ASSESSMENT, DEFAULT_DENY, GROUP, GUARD_MANAGED, GUARD_NAMESPACE, GUARD_STATUS, LABEL_MANAGED_BY,
    LABEL_PREFIX, MANAGED_BY, METADATA_FIELD_NAME, PROBE, PROBED_BY, RECORD, WEBHOOK_AUTHORITY,
    WEBHOOK_CERTIFICATE,
};
use snc_plan::Settings;
use snc_plan::guards::{BINDINGS, GUARDS, POLICIES};
use snc_plan::objects::report::{self, Format};

/// They let us through, and keep others from writing while we are at it.
const LAST: [&str; 3] = [GUARD_NAMESPACE, GUARD_MANAGED, GUARD_STATUS];
const ASSESSMENTS: Kind =
    Kind { group: GROUP, version: "v1alpha1", name: "SncAssessment", plural: "sncassessments" };

pub async fn remove(removal: &mut Removal, settings: &Settings) -> Result<(), Error> {
    let (last, first): (Vec<&str>, Vec<&str>) = GUARDS.iter().partition(|guard| LAST.contains(guard));
    guards(removal, first.iter().chain(BINDINGS), first.iter().chain(POLICIES)).await?;
    let ours = ListParams::default().labels(&format!("{LABEL_MANAGED_BY}={MANAGED_BY}"));
    // Rights first, the default-deny last.
    objects(removal, &ROLE_BINDING, &ours).await?;
    namespaces(removal).await?;
    for kind in [&RESOURCE_QUOTA, &LIMIT_RANGE] {
        objects(removal, kind, &ours).await?;
    }
    objects(removal, &CONFIG_MAP, &ours.clone().fields(&format!("{METADATA_FIELD_NAME}={RECORD}"))).await?;
    objects(removal, &NETWORK_POLICY, &ours).await?;
    // By their one name and without our label: whoever forged one would be believed by the next operator.
    for assessment in removal.list(&ASSESSMENTS, &ListParams::default()).await? {
        if assessment.name_any() == ASSESSMENT {
            removal.object(&ASSESSMENTS, &assessment).await?;
        }
    }
    reports(removal, &ours).await?;
    let namespace = &settings.identity.namespace;
    guards(removal, last.iter(), last.iter()).await?;
    for secret in [WEBHOOK_CERTIFICATE, WEBHOOK_AUTHORITY] {
        removal.ours(&SECRET, Some(namespace), secret).await?;
    }
    removal.made_by(PROBED_BY, &CONFIG_MAP, Some(namespace), PROBE).await?;
    for definition in snc_api::all_crds() {
        removal.named(&DEFINITION, &definition.name_any()).await?;
    }
    Ok(())
}

async fn guards<'a>(
    removal: &mut Removal,
    bindings: impl Iterator<Item = &'a &'static str>,
    policies: impl Iterator<Item = &'a &'static str>,
) -> Result<(), Error> {
    for binding in bindings {
        removal.ours(&BINDING, None, binding).await?;
    }
    for policy in policies {
        removal.ours(&POLICY, None, policy).await?;
    }
    Ok(())
}

async fn objects(removal: &mut Removal, kind: &Kind, which: &ListParams) -> Result<(), Error> {
    let mut found = removal.list(kind, which).await?;
    found.sort_by_key(|object| object.name_any() == DEFAULT_DENY);
    for object in &found {
        removal.object(kind, object).await?;
    }
    Ok(())
}

/// Pod Security labels are handed over: without them a namespace would be weaker than it was before us.
async fn namespaces(removal: &mut Removal) -> Result<(), Error> {
    for namespace in removal.list(&NAMESPACE, &ListParams::default()).await? {
        let keys: Vec<&str> = namespace
            .metadata
            .labels
            .iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .filter(|key| key.starts_with(LABEL_PREFIX))
            .collect();
        if !keys.is_empty() {
            removal.labels(&namespace, &keys).await?;
        }
    }
    Ok(())
}

/// Of kinds that are not ours: the chart grants them where reports are written.
async fn reports(removal: &mut Removal, ours: &ListParams) -> Result<(), Error> {
    let named = ours.clone().fields(&format!("{METADATA_FIELD_NAME}={}", report::NAME));
    for format in Format::ALL {
        for namespaced in [true, false] {
            let kind = Kind {
                group: format.group(),
                version: format.version(),
                name: format.kind(namespaced),
                plural: format.plural(namespaced),
            };
            match removal.list(&kind, &named).await {
                Ok(found) => {
                    for report in found.iter().filter(|report| apply::is_ours(*report)) {
                        removal.object(&kind, report).await?;
                    }
                }
                Err(Error::Api { source, .. }) if code(&source) == 403 => {
                    let why = reason(&source);
                    removal.note(&removal.lang.pick(
                        || format!("non lu, donc laissé : {} ({why})", kind.plural),
                        || format!("not read and therefore left: {} ({why})", kind.plural),
                    ));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
